#include "app/actors_command.hpp"

#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "app/client_http.hpp"
#include "app/json_reading.hpp"
#include "app/table.hpp"

namespace footfall::app {

namespace {

const std::vector<std::string> columns = {"id",        "name", "key",      "state",     "mailbox",
                                          "processed", "rate", "restarts", "last_error"};

std::string target_of(const actors_options& x) {
  if (!x.id.empty())
    return "/actors/" + (x.node.empty() ? x.node : url_encode(x.node) + '/') + url_encode(x.id);
  std::string target = "/actors?view=flat";
  if (!x.node.empty())
    target += "&node=" + url_encode(x.node);
  if (!x.name.empty())
    target += "&name=" + url_encode(x.name);
  if (!x.key.empty())
    target += "&key=" + url_encode(x.key);
  if (!x.sort.empty())
    target += "&sort=" + url_encode(x.sort);
  if (x.limit != 0)
    target += "&limit=" + std::to_string(x.limit);
  return target;
}

int print_list(simdjson::dom::element root) {
  simdjson::dom::array nodes;
  const bool is_cluster = root["nodes"].get(nodes) == simdjson::SUCCESS;
  auto heads = columns;
  if (is_cluster)
    heads.insert(heads.begin(), "node");
  table out{heads};
  simdjson::dom::array rows;
  if (root["actors"].get(rows) == simdjson::SUCCESS)
    for (auto row : rows) {
      std::vector<std::string> cells;
      for (const auto& column : heads)
        cells.push_back(member_text(row, column.c_str()));
      out.add(std::move(cells));
    }
  std::fputs(out.text().c_str(), stdout);
  const auto total = member_text(root, "total");
  if (total != std::to_string(out.rows()))
    std::printf("%zu of %s; raise --limit for more\n", out.rows(), printable(total).c_str());
  if (is_cluster)
    for (auto node : nodes)
      if (std::string_view fault; node["error"].get(fault) == simdjson::SUCCESS)
        std::printf("without %s: %s\n", printable(member_text(node, "name")).c_str(),
                    printable(fault).c_str());
  return 0;
}

int print_one(simdjson::dom::element root) {
  table out{{"", ""}};
  for (const auto& column : columns)
    out.add({column, member_text(root, column.c_str())});
  simdjson::dom::object fields;
  if (root["fields"].get(fields) == simdjson::SUCCESS)
    for (auto [name, value] : fields)
      out.add({std::string{name}, value_text(value)});
  auto text = out.text();
  std::fputs(text.c_str() + text.find('\n') + 1, stdout);
  return 0;
}

} // namespace

int run_actors(const actors_options& options) {
  std::string error;
  auto client = client_http::make(options.url, std::chrono::seconds{30}, error);
  if (!client) {
    std::fprintf(stderr, "footfall: %s\n", error.c_str());
    return 2;
  }
  return print_answer(client->get(target_of(options)), options.json,
                      options.id.empty() ? print_list : print_one);
}

} // namespace footfall::app
