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

int print_audit(simdjson::dom::element root) {
  if (is_ok(root)) {
    std::puts("ok: every aggregate equals the raw events below it");
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
  return print_answer(client->get("/admin/audit"), false, [&](simdjson::dom::element root) {
    if (!options.json)
      return print_audit(root);
    std::puts(simdjson::minify(root).c_str());
    return is_ok(root) ? 0 : 1;
  });
}

} // namespace footfall::app
