#include "tests/explorer/workload.hpp"

#include <algorithm>
#include <array>

#include "actors/model/record.hpp"

namespace footfall::explorer {

namespace {

constexpr int64_t minute_us = 60'000'000;
constexpr int64_t settle_most_us = 90'000'000;

std::string text_of(const click_event& x) {
  return x.event_id + ' ' + x.site_id + x.page_url + ' ' + x.user_id;
}

} // namespace

workload::workload(world& on) : on_(on), truth_(on.log, on.said, on.time_us) {}

void workload::run() {
  const auto steps = 15 + on_.luck.below(30);
  on_.rest();
  if (on_.luck.percent(50))
    on_.pass(1'000'000); // A cache that begins takes nothing for so long.
  constexpr std::array<int64_t, 8> waits{0, 0, 1000, 5000, 20'000, 60'000, 300'000, 1'500'000};
  for (size_t i = 0; i < steps && !on_.is_wrong(); ++i) {
    step();
    if (on_.luck.percent(60))
      on_.rest();
    else
      on_.turn(on_.luck.below(40));
    // In steps: what a timer starts may set the next one.
    for (auto wait = waits[on_.luck.below(waits.size())]; wait > 0 && !on_.is_wrong();) {
      const auto now = std::min<int64_t>(wait, wait > 100'000 ? 50'000 : 10'000);
      on_.pass(now);
      on_.turn(on_.luck.percent(90) ? 2000 : on_.luck.below(10));
      wait -= now;
    }
  }
}

void workload::step() {
  const auto x = on_.luck.below(100);
  if (x < 40)
    return post();
  if (x < 78)
    return ask();
  if (x < 83)
    return produce();
  if (x < 86)
    return start_watch();
  break_something();
}

click_event workload::new_click() {
  auto& luck = on_.luck;
  click_event out;
  out.site_id = luck.of(sites);
  out.event_id = "e" + std::to_string(next_id_++);
  out.user_id = luck.of(users);
  out.event_type = luck.of(types);
  out.page_url = luck.of(pages);
  if (luck.percent(70))
    out.at_us = on_.time_us - luck.until(50 * minute_us);
  return out;
}

// A duplicate, one that says something else, or the same id of the other site.
click_event workload::again(click_event x) {
  auto& luck = on_.luck;
  if (luck.percent(30))
    return x;
  if (luck.percent(40)) {
    x.site_id = x.site_id == sites[0] ? sites[1] : sites[0];
    return x;
  }
  (luck.percent(50) ? x.page_url : x.user_id) = {};
  if (x.page_url.empty())
    x.page_url = luck.of(pages);
  else
    x.user_id = luck.of(users);
  return x;
}

void workload::post() {
  auto open = std::make_shared<open_post>();
  const auto count = 1 + on_.luck.below(4);
  std::string line;
  for (size_t i = 0; i < count; ++i) {
    auto x = sent_.empty() || on_.luck.percent(70) ? new_click() : again(on_.luck.of(sent_));
    if (i > 0)
      x.site_id = open->events.front().site_id; // A request is for one site.
    sent_.push_back(x);
    truth_.posting(x);
    line += ", " + text_of(x);
    open->events.push_back(std::move(x));
  }
  on_.counts.events += count;
  on_.note("post" + line.substr(1));
  posts_.push_back(open);
  on_.front->post(open->events, [this, open](unsigned status, const ingest_reply& reply) {
    if (open->is_open)
      answered(*open, status, reply);
  });
}

void workload::answered(open_post& x, unsigned status, const ingest_reply& reply) {
  x.is_open = false;
  if (reply.results.size() != x.events.size())
    return on_.wrong("a post of " + std::to_string(x.events.size()) + " events was answered "
                     + std::to_string(status) + " with another number of results");
  size_t accepted = 0;
  size_t unknown = 0;
  std::string line = "answered " + std::to_string(status) + ":";
  for (size_t i = 0; i < x.events.size(); ++i) {
    const auto& result = reply.results[i];
    truth_.told(x.events[i], result);
    accepted += result.status == outcome::accepted ? 1 : 0;
    unknown += result.status == outcome::unknown ? 1 : 0;
    line += ' ' + x.events[i].event_id
            + (result.status == outcome::accepted   ? '@' + to_string(result.pos)
               : result.status == outcome::rejected ? std::string{" rejected"}
                                                    : std::string{" unknown"});
  }
  on_.note(std::move(line));
  if ((status == 200) != (accepted > 0 && unknown == 0))
    on_.wrong("a post was answered " + std::to_string(status) + " with " + std::to_string(accepted)
              + " events accepted and " + std::to_string(unknown) + " unknown");
}

query_ask workload::draw_question() {
  auto& luck = on_.luck;
  query_ask out;
  out.site_id = luck.of(sites);
  out.page_url = luck.of(pages);
  out.limit = 100;
  if (!sent_.empty() && luck.percent(50)) { // What is being counted just now.
    const auto& last = sent_[sent_.size() - 1 - luck.below(std::min<size_t>(sent_.size(), 4))];
    out.site_id = last.site_id;
    out.page_url = last.page_url;
    out.user_id = last.user_id;
  }
  const auto x = luck.below(100);
  out.kind = x < 50   ? query_kind::count
             : x < 75 ? query_kind::page
             : x < 85 ? query_kind::users
             : x < 90 ? query_kind::top_pages
             : x < 95 ? query_kind::active
                      : query_kind::series;
  if (out.kind != query_kind::count)
    out.user_id.clear();
  else if (out.user_id.empty())
    out.user_id = luck.of(users);
  const bool may_be_whole = out.kind == query_kind::series || out.kind == query_kind::active;
  if (out.kind == query_kind::top_pages || (may_be_whole && luck.percent(50)))
    out.page_url.clear();
  if (out.kind == query_kind::series) {
    out.from_us = on_.time_us / minute_us * minute_us - 59 * minute_us;
    out.to_us = out.from_us + 61 * minute_us;
  }
  const auto& known = truth_.acknowledged();
  if (!known.empty() && luck.percent(25)) {
    auto at = known.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(luck.below(known.size())));
    out.after = {{at->first.first, at->first.second}};
    if (luck.percent(70) && out.kind != query_kind::top_pages) {
      out.site_id = at->second.site_id;
      if (!out.page_url.empty())
        out.page_url = at->second.page_url;
    }
  }
  return out;
}

void workload::ask() {
  auto open = std::make_shared<open_question>();
  open->asked = truth_.asking(draw_question());
  ++on_.counts.queries;
  on_.note("ask " + explorer::text_of(open->asked.ask));
  questions_.push_back(open);
  on_.door->query(open->asked.ask, [this, open](const query_answer& x) {
    if (!std::exchange(open->is_open, false))
      return;
    ++on_.counts.answers_checked;
    on_.note("told " + explorer::text_of(open->asked.ask) + ": " + explorer::text_of(x));
    truth_.check(open->asked, x);
  });
}

void workload::start_watch() {
  if (watches_.size() > 1)
    watches_.erase(watches_.begin());
  query_ask ask;
  ask.kind = query_kind::page;
  ask.site_id = on_.luck.of(sites);
  ask.page_url = on_.luck.of(pages);
  auto open = std::make_shared<open_question>();
  open->asked = truth_.asking(ask);
  on_.note("watch " + explorer::text_of(ask));
  auto token = on_.door->watch(ask.site_id, ask.page_url, [this, open](const query_answer& x) {
    if (!open->is_open)
      return;
    ++on_.counts.answers_checked;
    on_.note("update " + explorer::text_of(open->asked.ask) + ": " + explorer::text_of(x));
    truth_.check(open->asked, x);
    const auto& ask = open->asked.ask;
    open->asked = truth_.asking(ask); // None goes back behind the one before.
  });
  watches_.push_back({std::move(token), std::move(open)});
}

// Another producer: what is no event, and what is one.
void workload::produce() {
  auto& luck = on_.luck;
  auto partition = static_cast<uint32_t>(luck.below(on_.log.partitions()));
  if (luck.percent(20)) {
    on_.note("a hole in partition " + std::to_string(partition));
    return on_.log.leave_hole(partition, 1 + luck.until(2));
  }
  if (luck.percent(50)) {
    static const std::vector<std::string> poison{"", "not json at all", "{}", "\xff\xfe\x01"};
    on_.note("poison into partition " + std::to_string(partition));
    return on_.log.produce(partition, luck.of(poison));
  }
  auto x = sent_.empty() || luck.percent(60) ? new_click() : again(luck.of(sent_));
  if (x.at_us == unset_time)
    x.at_us = on_.time_us;
  const auto key = model::record_key(x.site_id, x.page_url);
  const auto home = model::partition_of(key, on_.log.partitions());
  if (luck.percent(80))
    partition = home;
  if (partition != home)
    truth_.strays(x.site_id, x.page_url);
  on_.note("produce " + text_of(x) + " into partition " + std::to_string(partition));
  truth_.produced(x.site_id, x.event_id);
  on_.log.produce(partition, model::encode_record(x, on_.time_us));
  sent_.push_back(std::move(x));
}

void workload::break_something() {
  static const std::vector<std::string> names{"partition",       "partition",     "page_aggregator",
                                              "page_aggregator", "log_reader",    "ingestion",
                                              "query",           "cache_manager", "gateway"};
  const auto x = on_.luck.below(100);
  if (x < 40) {
    const auto& name = on_.luck.of(names);
    if (on_.kill(name))
      on_.note("killed a " + name);
  } else if (x < 55) {
    restart(on_.luck.percent(60));
  } else if (x < 85) {
    let_store_go_back();
  } else {
    on_.cache.set_gone(!on_.cache.is_gone());
    on_.note(on_.cache.is_gone() ? "the cache is gone" : "the cache is back, and empty");
  }
}

void workload::let_store_go_back() {
  if (!std::exchange(is_kept_, true) || on_.luck.percent(40)) {
    on_.note("what is stored now is remembered");
    return on_.rows.keep();
  }
  if (!on_.retains())
    return; // The log has no more what would be lost: its partitions would stop.
  on_.note("the store goes back");
  ++on_.counts.stores_back;
  on_.rows.go_back();
  truth_.new_era();
}

void workload::restart(bool by_crash) {
  on_.note(by_crash ? "the node is killed" : "the node ends");
  ++on_.counts.restarts;
  if (by_crash)
    all_is_unknown();
  watches_.clear();
  by_crash ? on_.crash_node() : on_.end_node();
  all_is_unknown();
  truth_.new_era();
  on_.start_node();
}

void workload::all_is_unknown() {
  for (auto& x : posts_)
    if (std::exchange(x->is_open, false))
      for (const auto& event : x->events)
        truth_.told(event, {});
  for (auto& x : questions_)
    x->is_open = false;
  for (auto& x : watches_)
    x.about->is_open = false;
}

bool workload::is_settled() {
  if (!on_.works.empty() || !on_.door->running())
    return false;
  std::erase_if(posts_, [](const auto& x) { return !x->is_open; });
  std::erase_if(questions_, [](const auto& x) { return !x->is_open; });
  if (!posts_.empty() || !questions_.empty())
    return false;
  for (const auto& x : on_.rows.states())
    if (x.next_offset != on_.log.end_of(x.partition) || x.folded_offset != x.next_offset)
      return false;
  return true;
}

void workload::settle() {
  on_.note("all faults have ended");
  on_.works.plan.on = false;
  on_.cache.set_gone(false);
  const auto began = on_.time_us;
  // The cache takes nothing for a second after it began.
  while (!on_.is_wrong() && (!is_settled() || on_.time_us - began < 1'500'000)) {
    on_.pass(50'000);
    on_.rest();
    if (on_.time_us - began > settle_most_us)
      on_.wrong("it does not settle: " + std::to_string(posts_.size()) + " posts and "
                + std::to_string(questions_.size()) + " questions are open, "
                + (on_.door->running() ? "all partitions run" : "not all partitions run"));
  }
  on_.note("settled");
}

query_answer workload::ask_now(query_ask ask) {
  query_answer out;
  bool is_open = true;
  ++on_.counts.queries;
  on_.door->query(std::move(ask), [&](query_answer x) {
    out = std::move(x);
    is_open = false;
  });
  on_.rest();
  for (int i = 0; i < 200 && is_open; ++i) {
    on_.pass(50'000);
    on_.rest();
  }
  if (is_open)
    on_.wrong("a question has no answer within 10 s");
  return out;
}

} // namespace footfall::explorer
