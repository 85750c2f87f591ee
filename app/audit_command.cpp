#include "app/audit_command.hpp"

#include <chrono>
#include <cstdio>

#include "app/client_http.hpp"
#include "app/json_reading.hpp"
#include "app/table.hpp"

namespace footfall::app {

namespace {

bool is_ok(simdjson::dom::element root) {
  bool ok = false;
  return root["ok"].get(ok) == simdjson::SUCCESS && ok;
}

void print_list(simdjson::dom::element root, const char* member, const char* title) {
  simdjson::dom::array rows;
  if (root[member].get(rows) != simdjson::SUCCESS)
    return;
  for (auto row : rows)
    if (std::string_view text; row.get(text) == simdjson::SUCCESS)
      std::printf("%s: %.*s\n", title, static_cast<int>(text.size()), text.data());
}

void print_partitions(simdjson::dom::element root) {
  simdjson::dom::array rows;
  if (root["partitions"].get(rows) != simdjson::SUCCESS || rows.size() == 0)
    return;
  table out{{"partition", "log from", "log to", "acknowledged to", "applied to", "folded to"}};
  for (auto row : rows)
    out.add({member_text(row, "partition"), member_text(row, "log_first"),
             member_text(row, "log_end"), member_text(row, "acknowledged_end"),
             member_text(row, "next_offset"), member_text(row, "folded_offset")});
  std::fputs(out.text().c_str(), stdout);
}

int print_audit(simdjson::dom::element root) {
  print_partitions(root);
  print_list(root, "checked", "checked");
  print_list(root, "not_checked", "not checked");
  if (is_ok(root)) {
    std::puts("ok: all that was checked is equal");
    return 0;
  }
  table out{{"table", "key", "expected", "found"}};
  simdjson::dom::array rows;
  if (root["differences"].get(rows) == simdjson::SUCCESS)
    for (auto row : rows)
      out.add({member_text(row, "table"), member_text(row, "key"), member_text(row, "expected"),
               member_text(row, "found")});
  std::fputs(out.text().c_str(), stdout);
  std::printf("not ok: %zu differences\n", out.rows());
  return 1;
}

} // namespace

int run_audit(const audit_options& options) {
  std::string error;
  // Every row is read again: minutes, when there are many millions.
  auto client = client_http::make(options.url, std::chrono::minutes{30}, error);
  if (!client) {
    std::fprintf(stderr, "footfall: %s\n", error.c_str());
    return 2;
  }
  auto path = "/admin/audit?live=" + options.live;
  if (!options.page.empty())
    path += "&page_url=" + url_encode(options.page);
  if (!options.site.empty())
    path += "&site=" + url_encode(options.site);
  return print_answer(client->get(path), false, [&](simdjson::dom::element root) {
    if (!options.json)
      return print_audit(root);
    std::puts(simdjson::minify(root).c_str());
    return is_ok(root) ? 0 : 1;
  });
}

} // namespace footfall::app
