#include "tests/nodes/clients.hpp"

#include <algorithm>

namespace footfall::nodes {

namespace {

/// Beyond the deadline of a request: the GATEWAY's tick, one that starts again, and what waits
/// for its turn.
constexpr int64_t grace_us = 2'500 * ms;

} // namespace

clients::request_ptr clients::open(process& at, std::string text) {
  auto out = std::make_shared<open_request>();
  out->at = &at;
  out->since_us = on_.steady_us;
  out->frozen_us = at.frozen_us + (at.is_frozen ? on_.steady_us : 0);
  out->text = std::move(text) + " at node " + at.name;
  on_.note(out->text);
  requests_.push_back(out);
  return out;
}

bool clients::answered(open_request& x) {
  if (x.is_void)
    return false;
  if (!std::exchange(x.is_open, false))
    on_.wrong(x.text + " was answered twice");
  return true;
}

click_event clients::draw_click() {
  auto& luck = on_.luck;
  if (!sent_.empty() && luck.percent(30)) {
    auto out = luck.of(sent_);
    if (luck.percent(15)) // The same id of something else: what is applied first counts.
      out.page_url = luck.of(pages);
    return out;
  }
  click_event out;
  out.event_id = "e" + std::to_string(next_id_++);
  out.user_id = luck.of(users);
  out.event_type = "click";
  out.page_url = luck.of(pages);
  sent_.push_back(out);
  return out;
}

void clients::post(process& at) {
  std::vector<click_event> events;
  std::string text = "post";
  for (size_t i = 1 + on_.luck.below(4); i > 0; --i) {
    events.push_back(draw_click());
    const auto& x = events.back();
    truth_.posting(x);
    text += ' ' + x.event_id + ' ' + x.page_url + ' ' + x.user_id;
  }
  on_.counts.events += events.size();
  auto x = open(at, text);
  x->events = events;
  at.door->ingest(std::move(events), [this, x](const ingest_reply& reply) {
    if (answered(*x))
      take_post(*x, reply);
  });
}

void clients::take_post(open_request& x, const ingest_reply& reply) {
  if (reply.results.size() != x.events.size())
    return on_.wrong(x.text + " was answered with another number of results");
  std::string line = "node " + x.at->name + " answers the post:";
  for (size_t i = 0; i < x.events.size(); ++i) {
    const auto& result = reply.results[i];
    truth_.told(*x.at, x.events[i], result);
    line += ' ' + x.events[i].event_id
            + (result.status == outcome::accepted   ? '@' + to_string(result.pos)
               : result.status == outcome::rejected ? std::string{" rejected"}
                                                    : std::string{" unknown"});
  }
  on_.note(std::move(line));
}

query_ask clients::draw_question() {
  auto& luck = on_.luck;
  query_ask out;
  out.site_id = default_site;
  out.page_url = luck.of(pages);
  out.limit = 100;
  const auto x = luck.below(100);
  out.kind = x < 45 ? query_kind::count : x < 85 ? query_kind::page : query_kind::users;
  if (out.kind == query_kind::count)
    out.user_id = luck.of(users);
  const auto& known = truth_.acknowledged();
  if (!known.empty() && luck.percent(25)) {
    auto at = known.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(luck.below(known.size())));
    out.after = {{at->first.first, at->first.second}};
    if (luck.percent(70))
      out.page_url = at->second.page_url;
    ++on_.counts.afters;
  }
  return out;
}

void clients::ask(process& at) {
  const auto ask = draw_question();
  ++on_.counts.queries;
  auto x = open(at, "ask " + text_of(ask));
  x->asked = truth_.asking(at, ask);
  at.door->query(ask, [this, x](const query_answer& answer) {
    if (!answered(*x))
      return;
    ++on_.counts.answers_checked;
    on_.note("told " + x->text.substr(4) + ": " + text_of(answer));
    truth_.check(x->asked, answer);
  });
}

void clients::start_watch(process& at) {
  query_ask ask;
  ask.kind = query_kind::page;
  ask.site_id = default_site;
  ask.page_url = on_.luck.of(pages);
  ++on_.counts.watches;
  auto x = std::make_shared<open_watch>();
  x->about = open(at, "watch " + ask.page_url);
  requests_.pop_back(); // It has no deadline.
  x->about->asked = truth_.asking(at, ask);
  x->about->asked.is_watch = true;
  x->query_ends = at.query_ends;
  watches_.push_back(x);
  x->token = at.door->watch(ask.site_id, ask.page_url, [this, x](const query_answer& answer) {
    if (!x->about->is_void)
      take_update(*x, answer);
  });
}

void clients::take_update(open_watch& x, const query_answer& answer) {
  auto& about = *x.about;
  on_.note("update of " + about.text + ": " + text_of(answer));
  if (x.is_closed)
    return; // It was on its way.
  ++on_.counts.updates;
  truth_.check(about.asked, answer);
  if (answer.code == errc::none) {
    about.asked = truth_.asking(*about.at, about.asked.ask); // None goes back behind this.
    about.asked.is_watch = true;
    x.told = answer.clicks;
    x.has_update = true;
    return;
  }
  about.is_open = false;
  x.is_closed = true;
  on_.after(0, [token = std::move(x.token)] {});
  if (about.at->serves() && about.at->query_ends == x.query_ends
      && answer.code != errc::store_unavailable && answer.code != errc::overloaded)
    on_.wrong(about.text + " has ended, although neither the node nor its GATEWAY or QUERY did: "
              + text_of(answer));
}

void clients::stop_watch() {
  std::erase_if(watches_, [](const auto& x) { return x->is_closed || !x->about->is_open; });
  if (watches_.empty())
    return;
  auto& x = *on_.luck.of(watches_);
  on_.note("no longer " + x.about->text);
  x.is_closed = true;
  x.token = nullptr;
}

void clients::look_for_late() {
  std::erase_if(requests_, [](const auto& x) { return !x->is_open; });
  for (const auto& x : requests_) {
    if (x->at->is_frozen)
      continue;
    const auto most = std::chrono::microseconds(x->at->plan.request_timeout).count() + grace_us
                      + x->at->frozen_us - x->frozen_us;
    if (on_.steady_us - x->since_us > most)
      on_.wrong(x->text + " has no answer after "
                + std::to_string((on_.steady_us - x->since_us) / ms) + " ms");
  }
}

void clients::forget(const process& of) {
  for (const auto& x : requests_)
    if (x->at == &of && std::exchange(x->is_open, false)) {
      x->is_void = true;
      for (const auto& event : x->events)
        truth_.told(*x->at, event, {});
    }
  for (const auto& x : watches_)
    if (x->about->at == &of) {
      x->about->is_open = false;
      x->about->is_void = true;
      x->token = nullptr;
    }
}

void clients::check_ended(const process& of) {
  for (const auto& x : requests_)
    if (x->at == &of && x->is_open)
      on_.wrong(x->text + " was never answered, and the node has ended");
  for (const auto& x : watches_)
    if (x->about->at == &of && x->about->is_open && !x->is_closed)
      on_.wrong(x->about->text + " was never told that the node has ended");
}

size_t clients::open_at(const process& at) const {
  return static_cast<size_t>(std::count_if(requests_.begin(), requests_.end(), [&](const auto& x) {
    return x->at == &at && x->is_open;
  }));
}

size_t clients::watches_at(const process& at) const {
  return static_cast<size_t>(std::count_if(watches_.begin(), watches_.end(), [&](const auto& x) {
    return x->about->at == &at && x->about->is_open && !x->is_closed;
  }));
}

bool clients::are_told(bool must) {
  bool out = true;
  for (const auto& x : watches_) {
    if (!x->about->is_open || x->is_closed)
      continue;
    const auto due = truth_.committed(x->about->asked.about);
    if (x->has_update && x->told == due)
      continue;
    out = false;
    if (must)
      on_.wrong("settled: " + x->about->text + " was told "
                + (x->has_update ? std::to_string(x->told) : "nothing") + ", and "
                + std::to_string(due) + " are counted");
  }
  return out;
}

query_answer clients::ask_now(process& at, query_ask ask) {
  query_answer out;
  bool is_open = true;
  ++on_.counts.queries;
  const auto asked = truth_.asking(at, ask);
  at.door->query(std::move(ask), [&](query_answer x) {
    out = std::move(x);
    is_open = false;
  });
  on_.rest();
  for (int i = 0; i < 200 && is_open && !on_.is_wrong(); ++i) {
    on_.pass(50 * ms);
    on_.rest();
  }
  if (is_open)
    on_.wrong("settled: " + text_of(asked.ask) + " has no answer within 10 s");
  else
    truth_.check(asked, out);
  return out;
}

} // namespace footfall::nodes
