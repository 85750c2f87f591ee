#include "tests/explorer/truth.hpp"

#include <algorithm>

namespace footfall::explorer {

namespace {

constexpr const char* kind_names[] = {"?",      "count", "page",  "top-pages",
                                      "series", "users", "active"};

const char* name_of(query_kind x) {
  return kind_names[static_cast<size_t>(x)];
}

uint64_t sum_of(const query_answer& x) {
  uint64_t out = 0;
  for (const auto& point : x.points)
    out += point.clicks;
  return out;
}

bool is_one_of(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// What a client may be told when there is no answer.
bool may_fail_with(errc code) {
  return code == errc::store_unavailable || code == errc::timeout || code == errc::overloaded
         || code == errc::position_not_reached || code == errc::shutting_down
         || code == errc::restarting;
}

} // namespace

std::string text_of(const query_ask& ask) {
  auto out = std::string{name_of(ask.kind)} + ' ' + ask.site_id + ask.page_url;
  if (!ask.user_id.empty())
    out += ' ' + ask.user_id;
  if (!ask.after.empty())
    out += " after " + to_string(ask.after);
  return out;
}

std::string text_of(const query_answer& x) {
  if (x.code != errc::none)
    return std::string{to_string(x.code)} + ": " + x.reason;
  auto out = std::to_string(x.clicks) + " clicks";
  for (const auto& row : x.rows)
    out += ", " + row.name + '=' + std::to_string(row.clicks);
  if (!x.points.empty())
    out += ", points " + std::to_string(sum_of(x));
  return out + " (" + to_string(x.source) + ", as of "
         + std::to_string(x.as_of_us / 1000 % 10'000'000) + "ms, " + to_string(x.reached) + ')';
}

void truth::told(const click_event& x, const event_result& result) {
  auto& id = attempts_[{x.site_id, x.event_id}];
  if (result.status == outcome::rejected)
    ++id.rejected;
  else if (result.status == outcome::unknown)
    ++id.unknown;
  if (result.status != outcome::accepted)
    return;
  ++id.accepted;
  acknowledged_[{result.pos.partition, result.pos.offset}] = x;
  const auto at = log_.copy().find({result.pos.partition, result.pos.offset});
  if (at == log_.copy().end() || at->second.event.event_id != x.event_id
      || at->second.event.site_id != x.site_id || at->second.event.page_url != x.page_url
      || at->second.event.user_id != x.user_id)
    wrong(x.site_id + ' ' + x.event_id + " was acknowledged at " + to_string(result.pos)
          + ", where the log has something else");
}

truth::question truth::asking(query_ask ask) const {
  question out{std::move(ask), {}, era_, 0, now_us_};
  out.about = {out.ask.site_id, out.ask.page_url, out.ask.user_id};
  if (const auto at = floors_.find(out.about); at != floors_.end())
    out.floor = at->second;
  return out;
}

truth::bounds truth::of(const subject& about, int64_t as_of_us,
                        const std::vector<position>& after) const {
  struct of_id {
    bool is_in = false;  ///< Some record of it is of the subject.
    bool is_out = false; ///< Some other is not: the one that came first counts.
    bool is_due = false; ///< One is there for certain.
  };
  std::map<id_name, of_id> ids;
  for (const auto& [where, x] : log_.copy()) {
    if (!x.is_event)
      continue;
    auto& id = ids[{x.event.site_id, x.event.event_id}];
    (about.holds(x.event) ? id.is_in : id.is_out) = true;
    if (x.event.received_at_us < as_of_us && acknowledged_.count(where) != 0)
      id.is_due = true;
    for (const auto& pos : after)
      if (pos.partition == where.first && pos.offset >= where.second)
        id.is_due = true;
  }
  bounds out;
  for (const auto& [name, id] : ids) {
    out.most += id.is_in ? 1 : 0;
    out.least += id.is_in && !id.is_out && id.is_due ? 1 : 0;
  }
  return out;
}

void truth::check_bounds(const question& asked, const query_answer& answer, const subject& about,
                         uint64_t clicks) {
  const auto may = of(about, answer.as_of_us, asked.ask.after);
  if (clicks < may.least)
    wrong(text_of(asked.ask) + ": " + std::to_string(clicks) + " of " + about.text() + ", but "
          + std::to_string(may.least) + " were acknowledged before the answer's as_of, or stand at "
          + "or before the position that was waited for: " + text_of(answer));
  if (clicks > may.most)
    wrong(text_of(asked.ask) + ": " + std::to_string(clicks) + " of " + about.text() + ", but only "
          + std::to_string(may.most) + " were ever in the log: " + text_of(answer));
}

void truth::check_count(const question& asked, const query_answer& answer, uint64_t clicks) {
  check_bounds(asked, answer, asked.about, clicks);
  if (asked.era != era_ || strays_.count({asked.about.site, asked.about.page, ""}) != 0)
    return;
  if (clicks < asked.floor)
    wrong(text_of(asked.ask) + " went back to " + std::to_string(clicks) + " from "
          + std::to_string(asked.floor) + ": " + text_of(answer));
  auto& floor = floors_[asked.about];
  floor = std::max(floor, clicks);
}

void truth::check_rows(const question& asked, const query_answer& answer) {
  const bool of_users = asked.ask.kind == query_kind::users;
  const auto& names = of_users ? users : pages;
  for (const auto& row : answer.rows)
    if (!is_one_of(names, row.name))
      wrong(text_of(asked.ask) + ": a row of \"" + row.name + "\": " + text_of(answer));
  for (const auto& name : names) {
    uint64_t clicks = 0;
    for (const auto& row : answer.rows)
      clicks += row.name == name ? row.clicks : 0;
    const auto& site = asked.ask.site_id;
    check_bounds(asked, answer,
                 of_users ? subject{site, asked.ask.page_url, name} : subject{site, name, ""},
                 clicks);
  }
}

void truth::check_page(const question& asked, const query_answer& answer) {
  check_count(asked, answer, answer.clicks);
  uint64_t named = answer.other_types;
  for (const auto& row : answer.rows) {
    named += row.clicks;
    if (!is_one_of(types, row.name))
      wrong(text_of(asked.ask) + ": a type \"" + row.name + "\": " + text_of(answer));
  }
  if (named != answer.clicks)
    wrong(text_of(asked.ask) + ": the types add up to " + std::to_string(named) + ": "
          + text_of(answer));
  if (answer.users > users.size() || answer.users > answer.clicks)
    wrong(text_of(asked.ask) + ": " + std::to_string(answer.users) + " users: " + text_of(answer));
}

// The window began at some time between question and answer.
void truth::check_active(const question& asked, const query_answer& answer) {
  constexpr int64_t window_us = 300'000'000, second_us = 1'000'000;
  const auto fail = [&](const std::string& what) {
    wrong(text_of(asked.ask) + ": " + what + ": " + text_of(answer));
  };
  uint64_t listed = 0, most_visitors = 0;
  for (const auto& row : answer.rows) {
    listed += row.clicks;
    most_visitors = std::max(most_visitors, row.users);
    if (!is_one_of(pages, row.name))
      fail("a row of \"" + row.name + '"');
    if (row.users == 0 || row.users > row.clicks || row.users > users.size())
      fail(std::to_string(row.users) + " visitors of " + row.name);
  }
  if (listed != answer.clicks || answer.users < most_visitors || answer.users > users.size())
    fail("the pages do not add up");
  for (const auto& name : pages) {
    if (!asked.ask.page_url.empty() && asked.ask.page_url != name)
      continue;
    uint64_t clicks = 0;
    for (const auto& row : answer.rows)
      clicks += row.name == name ? row.clicks : 0;
    const auto begun = [&](int64_t at_us) {
      return of({asked.ask.site_id, name, "", at_us}, answer.as_of_us, asked.ask.after);
    };
    const auto at_last =
        begun(std::max(now_us_ / second_us * second_us - window_us + second_us, answer.since_us));
    const auto at_first = begun(asked.asked_us / second_us * second_us - window_us + second_us);
    if (clicks < at_last.least)
      fail(std::to_string(clicks) + " of " + name + ", not " + std::to_string(at_last.least));
    if (clicks > at_first.most)
      fail(std::to_string(clicks) + " of " + name + ", of " + std::to_string(at_first.most));
  }
}

void truth::check(const question& asked, const query_answer& answer) {
  if (answer.code != errc::none) {
    if (!may_fail_with(answer.code))
      wrong(text_of(asked.ask) + ": " + text_of(answer));
    return;
  }
  for (const auto& wanted : asked.ask.after) {
    const auto reaches = [&](const position& x) {
      return x.partition == wanted.partition && x.offset >= wanted.offset;
    };
    if (std::none_of(answer.reached.begin(), answer.reached.end(), reaches))
      wrong(text_of(asked.ask) + ": the position is not in the answer: " + text_of(answer));
  }
  switch (asked.ask.kind) {
  case query_kind::count: return check_count(asked, answer, answer.clicks);
  case query_kind::page: return check_page(asked, answer);
  case query_kind::series: return check_bounds(asked, answer, asked.about, sum_of(answer));
  case query_kind::top_pages:
  case query_kind::users: return check_rows(asked, answer);
  case query_kind::active: return check_active(asked, answer);
  }
}

} // namespace footfall::explorer
