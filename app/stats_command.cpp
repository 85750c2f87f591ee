#include "app/stats_command.hpp"

#include <chrono>
#include <cstdio>
#include <thread>
#include <utility>

#include <unistd.h>

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
  append_query(target, "range", x.range);
  append_query(target, "tz", x.zone);
  append_query(target, "compare", x.compare);
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

/// Clicks of the range, and of what it is compared with.
std::string summary_text(simdjson::dom::element root) {
  table out{{"from", "to", "clicks"}};
  simdjson::dom::element range, now;
  if (root["range"].get(range) == simdjson::SUCCESS && root["now"].get(now) == simdjson::SUCCESS)
    out.add({member_text(range, "from"), member_text(range, "to"), member_text(now, "clicks")});
  if (root["previous"].get(range) == simdjson::SUCCESS && range.is_object()
      && root["before"].get(now) == simdjson::SUCCESS)
    out.add({member_text(range, "from"), member_text(range, "to"), member_text(now, "clicks")});
  return out.text();
}

std::string answer_text(const stats_options& options, simdjson::dom::element root) {
  std::string out;
  if (options.what == "summary")
    return summary_text(root);
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
  if (x.watch && x.what != "page" && x.what != "top-pages" && x.what != "summary")
    return "what changes can be watched of page, top-pages and summary, not of " + x.what;
  if (x.watch && (!x.from.empty() || !x.to.empty()))
    return "what is watched ends now: give --range in place of --from and --to";
  if (x.what == "count" && x.user.empty())
    return "count needs a page and a user, for example: footfall stats count /pricing ada";
  return {};
}

std::string live_target(const stats_options& x) {
  std::string topic = x.what == "page"      ? "page:" + x.page
                      : x.what == "summary" ? "summary"
                                            : "top:" + std::to_string(x.limit == 0 ? 10 : x.limit);
  std::string target = "/v1/live";
  append_query(target, "topic", topic);
  append_query(target, "site", x.site);
  append_query(target, "page_url", x.what == "summary" ? x.page : "");
  append_query(target, "range", x.range);
  append_query(target, "tz", x.zone);
  append_query(target, "compare", x.what == "summary" ? x.compare : "");
  return target;
}

/// Shows one state: in a terminal in place of the one before.
void show(const stats_options& options, const std::string& data, bool clears) {
  if (options.json) {
    std::puts(data.c_str());
  } else {
    simdjson::dom::parser parser;
    simdjson::dom::element root;
    if (parser.parse(data).get(root) != simdjson::SUCCESS)
      return;
    std::fputs(clears ? "\x1b[H\x1b[J" : "", stdout);
    std::printf("%sas of %s, from the %s\n\n", answer_text(options, root).c_str(),
                member_text(root, "as_of").c_str(), member_text(root, "source").c_str());
  }
  std::fflush(stdout);
}

int watch(const stats_options& options, client_http& client) {
  const bool clears = !options.json && ::isatty(STDOUT_FILENO) == 1;
  const auto target = live_target(options);
  const auto wanted = options.what == "top-pages" ? "top" : options.what;
  std::string last;
  for (bool was_away = false;;) {
    const auto answer = client.follow(target, last, [&](const server_event& x) {
      was_away = false;
      last = x.id.empty() ? last : x.id;
      if (x.name == wanted)
        show(options, x.data, clears);
      else if (x.name == "trouble")
        std::fprintf(stderr, "footfall: the node cannot say it now: %s\n",
                     printable(x.data).c_str());
      return true;
    });
    const bool may_come_back = answer.status == 0 || answer.status == 200 || answer.status == 503;
    if (!may_come_back || (answer.status == 0 && last.empty() && !was_away))
      return explain_failure(answer);
    if (answer.status != 200 && !std::exchange(was_away, true))
      std::fprintf(stderr, "footfall: %s; trying again\n", problem_text(answer).c_str());
    std::this_thread::sleep_for(std::chrono::seconds{1});
  }
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
  if (options.watch)
    return watch(options, *client);
  return print_answer(client->get(target_of(options)), options.json,
                      [&](simdjson::dom::element root) {
                        std::fputs(answer_text(options, root).c_str(), stdout);
                        return 0;
                      });
}

} // namespace footfall::app
