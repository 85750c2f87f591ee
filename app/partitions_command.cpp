#include "app/partitions_command.hpp"

#include <chrono>
#include <cstdio>
#include <iostream>

#include <unistd.h>

#include "app/client_http.hpp"
#include "app/json_reading.hpp"
#include "app/table.hpp"

namespace footfall::app {

namespace {

std::string text_of(simdjson::dom::element row, const char* name) {
  std::string_view out;
  return row[name].get(out) == simdjson::SUCCESS ? std::string{out} : std::string{};
}

int print_list(simdjson::dom::element root) {
  table out{{"partition", "state", "next", "folded", "log first", "log end", "lag"}};
  std::string reasons;
  simdjson::dom::array rows;
  if (root["partitions"].get(rows) == simdjson::SUCCESS)
    for (auto row : rows) {
      out.add({member_text(row, "partition"), text_of(row, "state"),
               member_text(row, "next_offset"), member_text(row, "folded_offset"),
               member_text(row, "log_first"), member_text(row, "log_end"),
               member_text(row, "lag")});
      if (const auto kind = text_of(row, "stopped"); !kind.empty())
        reasons += "partition " + member_text(row, "partition") + " is stopped (" + kind
                   + "): " + text_of(row, "reason") + "\n";
    }
  std::fputs((out.text() + reasons).c_str(), stdout);
  return 0;
}

std::string wrong_with(const partitions_options& x) {
  if (x.skip_to >= 0 && x.new_generation)
    return "--skip-to and --new-generation are two ways on; choose one";
  if (x.skip_to >= 0 && x.partition < 0)
    return "--skip-to needs --partition: which one goes on";
  if (x.partition >= 0 && x.skip_to < 0)
    return "--partition is for --skip-to; without both all are listed";
  return {};
}

/// @returns 0 when the change may be made, else the exit code.
int ask_first(const partitions_options& options, const std::string& what) {
  if (options.yes)
    return 0;
  if (::isatty(STDIN_FILENO) == 0) {
    std::fprintf(stderr, "footfall: %s Nobody can be asked here; say --yes if that is meant\n",
                 what.c_str());
    return 2;
  }
  std::fprintf(stderr, "%s Go on? [yes/no] ", what.c_str());
  std::string line;
  std::getline(std::cin, line);
  if (line == "yes" || line == "y")
    return 0;
  std::fputs("nothing was changed\n", stderr);
  return 1;
}

int change(client_http& client, const partitions_options& options) {
  std::string what = "The log is counted from its first record on, as another one than before; "
                     "what is counted already stays, and its event ids count once. This cannot "
                     "be undone.";
  std::string target = "/admin/partitions/new-generation";
  if (options.skip_to >= 0) {
    const auto partition = std::to_string(options.partition);
    const auto to = std::to_string(options.skip_to);
    what = "Partition " + partition + " goes on at offset " + to
           + "; the records before it are never counted. This cannot be undone.";
    target = "/admin/partitions/skip?partition=" + partition + "&to=" + to;
  }
  if (const int code = ask_first(options, what); code != 0)
    return code;
  return print_answer(client.post(target, "text/plain", ""), options.json,
                      [](simdjson::dom::element root) {
                        std::puts(text_of(root, "done").c_str());
                        return 0;
                      });
}

} // namespace

int run_partitions(const partitions_options& options) {
  std::string error = wrong_with(options);
  std::unique_ptr<client_http> client;
  if (error.empty())
    client = client_http::make(options.url, std::chrono::seconds{60}, error);
  if (!client) {
    std::fprintf(stderr, "footfall: %s\n", error.c_str());
    return 2;
  }
  if (options.skip_to >= 0 || options.new_generation)
    return change(*client, options);
  return print_answer(client->get("/admin/partitions"), options.json, print_list);
}

} // namespace footfall::app
