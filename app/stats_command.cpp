#include "app/stats_command.hpp"

#include <chrono>
#include <cstdio>

#include <simdjson.h>

#include "app/client_http.hpp"
#include "app/json_reading.hpp"
#include "app/table.hpp"

namespace footfall::app {

namespace {

void append_query(std::string& target, const char* name, const std::string& value) {
  if (value.empty())
    return;
  target += target.find('?') == std::string::npos ? '?' : '&';
  target += name;
  target += '=' + url_encode(value);
}

std::string target_of(const stats_options& x) {
  std::string target = "/v1/stats/" + x.what;
  append_query(target, "site", x.site);
  append_query(target, "page_url", x.page);
  append_query(target, "user_id", x.user);
  append_query(target, "step", x.step);
  append_query(target, "from", x.from);
  append_query(target, "to", x.to);
  append_query(target, "limit", x.limit == 0 ? "" : std::to_string(x.limit));
  return target;
}

/// A row for each object of the array `list`.
table table_of(simdjson::dom::element root, const char* list,
               const std::vector<const char*>& members) {
  table out{{members.begin(), members.end()}};
  simdjson::dom::array rows;
  if (root[list].get(rows) != simdjson::SUCCESS)
    return out;
  for (auto row : rows) {
    std::vector<std::string> cells;
    for (auto member : members)
      cells.push_back(member_text(row, member));
    out.add(std::move(cells));
  }
  return out;
}

std::string page_text(simdjson::dom::element root) {
  table totals{{"page_url", "clicks", "users"}};
  totals.add(
      {member_text(root, "page_url"), member_text(root, "clicks"), member_text(root, "users")});
  table types{{"type", "clicks"}};
  simdjson::dom::object by_type;
  if (root["by_type"].get(by_type) == simdjson::SUCCESS)
    for (auto [name, clicks] : by_type)
      types.add({std::string{name}, value_text(clicks)});
  uint64_t others = 0;
  const bool has_others = root["other_types"]["clicks"].get(others) == simdjson::SUCCESS;
  uint64_t hour = 0;
  simdjson::dom::array minutes;
  if (root["last_60_minutes"].get(minutes) == simdjson::SUCCESS)
    for (auto minute : minutes)
      if (uint64_t n = 0; minute.get(n) == simdjson::SUCCESS)
        hour += n;
  auto out = totals.text();
  if (types.rows() > 0)
    out += '\n' + types.text();
  if (has_others && others > 0)
    out += "\nof all other types: " + std::to_string(others) + '\n';
  return out + "\nin the last 60 minutes: " + std::to_string(hour) + '\n';
}

std::string answer_text(const stats_options& options, simdjson::dom::element root) {
  std::string out;
  if (options.what == "top-pages")
    out = table_of(root, "pages", {"page_url", "clicks", "users"}).text();
  else if (options.what == "users")
    out = table_of(root, "users", {"user_id", "clicks"}).text();
  else if (options.what == "series")
    out = table_of(root, "points", {"at", "clicks"}).text();
  else if (options.what == "page")
    out = page_text(root);
  else
    out = member_text(root, "count") + '\n';
  bool more = false;
  if (root["more"].get(more) == simdjson::SUCCESS && more)
    out += "there are more; raise --limit\n";
  return out;
}

std::string missing(const stats_options& x) {
  const bool wants_page = x.what == "page" || x.what == "users" || x.what == "count";
  if (wants_page && x.page.empty())
    return x.what + " needs a page, for example: footfall stats " + x.what + " /pricing";
  if (x.what == "count" && x.user.empty())
    return "count needs a page and a user, for example: footfall stats count /pricing ada";
  return {};
}

} // namespace

int run_stats(const stats_options& options) {
  std::string error = missing(options);
  std::unique_ptr<client_http> client;
  if (error.empty())
    client = client_http::make(options.url, std::chrono::seconds{30}, error);
  if (!client) {
    std::fprintf(stderr, "footfall: %s\n", error.c_str());
    return 2;
  }
  return print_answer(client->get(target_of(options)), options.json,
                      [&](simdjson::dom::element root) {
                        std::fputs(answer_text(options, root).c_str(), stdout);
                        return 0;
                      });
}

} // namespace footfall::app
