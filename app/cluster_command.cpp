#include "app/cluster_command.hpp"

#include <chrono>
#include <cstdio>
#include <thread>

#include <unistd.h>

#include "app/client_http.hpp"
#include "app/json_reading.hpp"
#include "app/table.hpp"

namespace footfall::app {

namespace {

bool is_true(simdjson::dom::element row, const char* name) {
  bool out = false;
  return row[name].get(out) == simdjson::SUCCESS && out;
}

std::string numbers_text(simdjson::dom::element row, const char* name) {
  std::string out;
  simdjson::dom::array all;
  if (row[name].get(all) == simdjson::SUCCESS)
    for (auto x : all)
      out += (out.empty() ? "" : " ") + value_text(x);
  return out.empty() ? "-" : out;
}

int print_nodes(simdjson::dom::element root) {
  table out{{"node", "process", "state", "log", "link", "partitions"}};
  simdjson::dom::array rows;
  bool is_cluster = false;
  std::string faults;
  if (root["nodes"].get(rows) == simdjson::SUCCESS)
    for (auto row : rows) {
      const auto name = member_text(row, "name");
      is_cluster = is_cluster || name != "-";
      out.add({name + (is_true(row, "self") ? " (asked)" : ""), member_text(row, "incarnation"),
               is_true(row, "draining") ? "leaves" : member_text(row, "state"),
               member_text(row, "log"), member_text(row, "link"), numbers_text(row, "partitions")});
      if (const auto why = member_text(row, "link_fault"); why != "-")
        faults += "no link to " + name + ": " + why + "\n";
    }
  if (!is_cluster) {
    std::puts("this node is alone: it was started without --cluster-listen");
    return 0;
  }
  auto text = out.text();
  if (const auto free = numbers_text(root, "unowned"); free != "-")
    text += "nobody has: " + free + "\n";
  text += faults;
  std::fputs(text.c_str(), stdout);
  return 0;
}

} // namespace

int run_cluster(const cluster_options& options) {
  std::string error;
  auto client = client_http::make(options.url, std::chrono::seconds{10}, error);
  if (!client) {
    std::fprintf(stderr, "footfall: %s\n", error.c_str());
    return 2;
  }
  const bool clears = options.watch && ::isatty(STDOUT_FILENO) == 1;
  for (;;) {
    const auto answer = client->get("/cluster");
    if (clears)
      std::fputs("\x1b[H\x1b[J", stdout);
    const int code = print_answer(answer, options.json, print_nodes);
    std::fflush(stdout);
    if (!options.watch)
      return code;
    std::this_thread::sleep_for(std::chrono::seconds{1}); // A node that is away may come back.
  }
}

} // namespace footfall::app
