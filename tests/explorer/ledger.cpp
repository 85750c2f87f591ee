#include "tests/explorer/ledger.hpp"

#include <map>
#include <optional>
#include <set>

namespace footfall::explorer {

namespace {

constexpr int64_t minute_us = 60'000'000;

std::string text_of(const place& x) {
  return to_string(position{x.first, x.second});
}

/// Each record that was written is in exactly one of the events and the bad events, and
/// what is counted is what was written.
void check_places(world& on) {
  std::set<place> bad;
  for (const auto& x : on.rows.all_bad())
    if (!bad.insert({x.pos.partition, x.pos.offset}).second)
      on.wrong(to_string(x.pos) + " is bad twice");
  std::map<truth::id_name, size_t> counted;
  for (const auto& [where, x] : on.rows.rows()) {
    ++counted[{x.event.site_id, x.event.event_id}];
    const auto at = on.log.copy().find(where);
    if (at == on.log.copy().end() || !at->second.is_event
        || at->second.event.event_id != x.event.event_id
        || at->second.event.site_id != x.event.site_id
        || at->second.event.page_url != x.event.page_url
        || at->second.event.user_id != x.event.user_id)
      on.wrong("what is counted at " + text_of(where) + " is not what the log has there");
  }
  for (const auto& [where, x] : on.log.copy()) {
    const truth::id_name id{x.event.site_id, x.event.event_id};
    const auto times = counted.find(id);
    const bool is_bad = bad.count(where) != 0;
    if (!x.is_event && !is_bad)
      on.wrong("the record at " + text_of(where) + " is no event, and not among the bad ones");
    if (x.is_event && is_bad)
      on.wrong("the event at " + text_of(where) + " is among the bad ones");
    if (x.is_event && times == counted.end())
      on.wrong(id.first + ' ' + id.second + " stands at " + text_of(where) + " and counts nowhere");
    if (x.is_event && times != counted.end() && times->second != 1)
      on.wrong(id.first + ' ' + id.second + " counts " + std::to_string(times->second) + " times");
  }
}

/// No outcome that a client was told was untrue.
void check_outcomes(world& on, const truth& known) {
  std::map<truth::id_name, uint64_t> written;
  for (const auto& [where, x] : on.log.copy())
    if (x.is_event)
      ++written[{x.event.site_id, x.event.event_id}];
  for (const auto& [id, x] : known.all_attempts()) {
    const auto stands = written.count(id) == 0 ? 0 : written.at(id);
    const auto name = id.first + ' ' + id.second + " was posted " + std::to_string(x.posted)
                      + " times, accepted " + std::to_string(x.accepted) + ", unknown "
                      + std::to_string(x.unknown) + ", rejected " + std::to_string(x.rejected)
                      + ", and stands in the log " + std::to_string(stands) + " times";
    if (x.posted != x.accepted + x.unknown + x.rejected || stands < x.accepted
        || stands > x.accepted + x.unknown)
      on.wrong(name);
  }
}

uint64_t counted(const world& on, const subject& about) {
  uint64_t out = 0;
  for (const auto& [where, x] : on.rows.rows())
    out += about.holds(x.event) ? 1 : 0;
  return out;
}

/// Asks for things, and compares with the rows that are counted.
class asker {
public:
  asker(world& on, workload& load) : on_(on), load_(load) {}

  void ask_counts() {
    for (const auto& site : sites)
      for (const auto& page : pages)
        for (const auto& user : users)
          expect(ask(query_kind::count, {site, page, user}), {site, page, user});
  }
  void ask_others() {
    for (const auto& site : sites) {
      for (const auto& page : pages)
        ask_page({site, page, ""});
      const auto top = ask(query_kind::top_pages, {site, "", ""});
      for (const auto& page : pages)
        expect_row(top, page, {site, page, ""});
      ask_series({site, "", ""});
    }
  }

private:
  query_answer ask(query_kind kind, const subject& about) {
    now_ = {};
    now_.kind = kind;
    now_.site_id = about.site;
    now_.page_url = about.page;
    now_.user_id = about.user;
    now_.limit = 100;
    if (kind == query_kind::series) {
      now_.from_us = on_.time_us / minute_us * minute_us - 59 * minute_us;
      now_.to_us = now_.from_us + 61 * minute_us;
    }
    auto out = load_.ask_now(now_);
    if (out.code != errc::none)
      on_.wrong("settled: " + explorer::text_of(now_) + ": " + explorer::text_of(out));
    return out;
  }

  void expect(const query_answer& x, const subject& about) { compare(x, x.clicks, about); }
  void expect_row(const query_answer& x, const std::string& name, const subject& about) {
    uint64_t clicks = 0;
    for (const auto& row : x.rows)
      clicks += row.name == name ? row.clicks : 0;
    compare(x, clicks, about);
  }
  void compare(const query_answer& x, uint64_t clicks, const subject& about) {
    if (x.code == errc::none && clicks != counted(on_, about))
      on_.wrong("settled: " + explorer::text_of(now_) + " says " + std::to_string(clicks) + " of "
                + about.text() + ", and " + std::to_string(counted(on_, about))
                + " are counted: " + explorer::text_of(x));
  }

  void ask_page(const subject& page) {
    const auto all = ask(query_kind::page, page);
    expect(all, page);
    std::set<std::string> names;
    std::map<std::string, uint64_t> by_type;
    for (const auto& [where, x] : on_.rows.rows())
      if (page.holds(x.event)) {
        names.insert(x.event.user_id);
        ++by_type[x.event.event_type];
      }
    if (all.users != names.size())
      on_.wrong("settled: " + page.text() + " has " + std::to_string(all.users) + " users, and "
                + std::to_string(names.size()) + " are counted");
    for (const auto& row : all.rows)
      if (by_type[row.name] != row.clicks)
        on_.wrong("settled: " + page.text() + ' ' + row.name + ": " + explorer::text_of(all));
    const auto rows = ask(query_kind::users, page);
    for (const auto& user : users)
      expect_row(rows, user, {page.site, page.page, user});
    ask_series(page);
  }

  void ask_series(const subject& about) {
    const auto out = ask(query_kind::series, about);
    std::map<int64_t, uint64_t> expected;
    for (const auto& [where, x] : on_.rows.rows())
      if (about.holds(x.event))
        ++expected[x.event.at_us / minute_us * minute_us];
    for (const auto& point : out.points)
      if (expected[point.at_us] != point.clicks)
        on_.wrong("settled: the series of " + about.text() + " has " + std::to_string(point.clicks)
                  + " clicks in minute " + std::to_string(point.at_us / minute_us % 100'000)
                  + ", and " + std::to_string(expected[point.at_us]) + " are counted");
  }

  world& on_;
  workload& load_;
  query_ask now_;
};

void check_audits(world& on) {
  on.rows.audit([&on](caf::expected<std::vector<audit_difference>> found) {
    for (const auto& x : *found)
      on.wrong("the store's audit: " + x.table + ' ' + x.key + " is " + std::to_string(x.found)
               + ", and " + std::to_string(x.expected) + " by its rows");
  });
  std::optional<audit_reply> reply;
  on.door->audit({audit_live::all}, [&reply](audit_reply x) { reply = std::move(x); });
  for (int i = 0; i < 200 && !reply; ++i) {
    on.rest();
    on.pass(50'000);
  }
  if (!reply || reply->code != errc::none)
    return on.wrong("the node's audit: " + (reply ? reply->reason : "no answer within 10 s"));
  for (const auto& x : reply->differences)
    on.wrong("the node's audit: " + x.table + ' ' + x.key + " is " + std::to_string(x.found)
             + " and should be " + std::to_string(x.expected));
}

} // namespace

void check_settled(world& on, workload& load) {
  check_places(on);
  check_outcomes(on, load.known());
  if (const auto restarts = on.counters.actor_restarts.load(); restarts > on.children_killed())
    on.wrong(std::to_string(restarts) + " actors were started again, and only "
             + std::to_string(on.children_killed()) + " were killed");
  if (on.is_wrong())
    return;
  asker all{on, load};
  all.ask_counts();
  all.ask_others();
  check_audits(on);
  if (!on.is_wrong())
    all.ask_counts(); // What the first ones left in the cache.
}

} // namespace footfall::explorer
