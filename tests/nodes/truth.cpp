#include "tests/nodes/truth.hpp"

#include <algorithm>
#include <limits>

namespace footfall::nodes {

namespace {

constexpr const char* kind_names[] = {"?",      "count", "page",  "top-pages",
                                      "series", "users", "active"};

/// From memory a node answers for so long after the store confirmed its lease.
constexpr int64_t live_most_us = 2 * s;
/// Actors and callbacks that wait for their turn while the clock goes on.
constexpr int64_t live_grace_us = 400 * ms;
constexpr size_t shown_of_message = 300;
/// When a watch is asked for: what it is told was read just then.
constexpr int64_t watched = std::numeric_limits<int64_t>::max();

// What a client may be told when there is no answer.
bool may_fail_with(errc code) {
  return code == errc::store_unavailable || code == errc::timeout || code == errc::overloaded
         || code == errc::position_not_reached || code == errc::shutting_down
         || code == errc::restarting;
}

bool is_live(const query_answer& x) {
  return x.code == errc::none
         && (x.source == answer_source::cache || x.source == answer_source::actor);
}

} // namespace

std::string text_of(const query_ask& ask) {
  auto out = std::string{kind_names[static_cast<size_t>(ask.kind)]} + ' ' + ask.page_url;
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
  return out + " (" + to_string(x.source) + ", as of "
         + std::to_string(x.as_of_us / 1000 % 10'000'000) + "ms, " + to_string(x.reached) + ')';
}

truth::truth(world& on) : on_(on) {
  on_.network.seen = [this](const std::string& from, const std::string& to,
                            const caf::strong_actor_ptr&,
                            const caf::message& content) { see(from, to, content); };
}

// What nodes ask and answer each other.
void truth::see(const std::string& from, const std::string& to, const caf::message& content) {
  const auto* sender = on_.at_address(from);
  const auto* receiver = on_.at_address(to);
  if (on_.shows_messages)
    on_.note(from + " to " + to + ": " + caf::to_string(content).substr(0, shown_of_message));
  if (content.size() != 2)
    return;
  if (content.match_element<std::vector<query_ask>>(1))
    for (const auto& x : content.get_as<std::vector<query_ask>>(1))
      sent_[{sender->number, x.ticket}] = {x.page_url, on_.steady_us};
  if (content.match_element<query_ask>(1)) {
    const auto& x = content.get_as<query_ask>(1);
    sent_[{sender->number, x.ticket}] = {x.page_url, watched};
  }
  if (!content.match_element<std::vector<query_answer>>(1))
    return;
  for (const auto& x : content.get_as<std::vector<query_answer>>(1)) {
    ++on_.counts.remote;
    const std::pair ticket{receiver->number, x.ticket};
    if (x.code == errc::none)
      answered_elsewhere_.insert(ticket);
    if (is_live(x) && !sender->is_killed)
      check_live(*sender, sent_[ticket].page, sent_[ticket].at_us, x);
  }
}

// A question may wait for the store, which loads a page or knows the names of users and types,
// when it is settled that the answer comes from memory: its as_of is of then.
void truth::check_live(const process& who, const std::string& page, int64_t asked_us,
                       const query_answer& answer) {
  ++on_.counts.live;
  const auto slow_us = 2 * (on_.ports.slow > 0 ? on_.ports.delay_most_us : 0);
  const bool is_watch = asked_us == watched;
  const bool has_waited =
      who.silent_us >= (is_watch ? on_.steady_us - live_grace_us - slow_us : asked_us);
  if (is_watch && has_waited)
    return; // Nobody knows since when.
  const auto read_us = has_waited ? asked_us : on_.steady_us - slow_us;
  const auto home = on_.home_of(page);
  const auto at = who.store.confirmed_us.find(home);
  const auto confirmed = at == who.store.confirmed_us.end() ? 0 : at->second;
  if (read_us - confirmed > live_most_us + live_grace_us)
    on_.wrong(
        "node " + who.name + " answers from memory of " + page + " in partition "
        + std::to_string(home) + ", which the store confirmed as its own "
        + (confirmed == 0 ? "never" : std::to_string((read_us - confirmed) / ms) + " ms before")
        + ": " + text_of(answer));
}

void truth::told(process& at, const click_event& x, const event_result& result) {
  auto& id = attempts_[x.event_id];
  if (result.status == outcome::rejected)
    ++id.rejected;
  else if (result.status == outcome::unknown)
    ++id.unknown;
  if (result.status != outcome::accepted)
    return;
  ++id.accepted;
  const place where{result.pos.partition, result.pos.offset};
  acknowledged_[where] = x;
  acknowledged_by_[at.number].insert(where);
  const auto found = on_.records.events.find(where);
  if (found == on_.records.events.end() || found->second.event_id != x.event_id
      || found->second.page_url != x.page_url || found->second.user_id != x.user_id)
    on_.wrong(x.event_id + " was acknowledged at " + to_string(result.pos)
              + ", where the log has something else");
}

truth::question truth::asking(process& at, query_ask ask) const {
  question out;
  out.at = &at;
  out.since_us = on_.steady_us;
  out.about = {ask.page_url, ask.user_id};
  out.ask = std::move(ask);
  if (const auto known = floors_.find({at.name, out.about}); known != floors_.end())
    out.floor = known->second;
  return out;
}

uint64_t truth::committed(const subject& about) const {
  uint64_t out = 0;
  for (const auto& [where, x] : on_.rows.rows())
    out += about.holds(x.event) ? 1 : 0;
  return out;
}

truth::bounds truth::of(const subject& about, const process& at, int64_t as_of_us,
                        const std::vector<position>& after) const {
  struct of_id {
    bool is_in = false;      ///< Some record of it is of the subject.
    bool is_out = false;     ///< Some other is not: the one that came first counts.
    bool is_due = false;     ///< One is there for certain.
    bool is_counted = false; ///< And this one is of the subject.
  };
  const auto own = acknowledged_by_.find(at.number);
  std::map<std::string, of_id> ids;
  for (const auto& [where, x] : on_.records.events) {
    auto& id = ids[x.event_id];
    (about.holds(x) ? id.is_in : id.is_out) = true;
    if (x.received_at_us < as_of_us && own != acknowledged_by_.end()
        && own->second.count(where) != 0)
      id.is_due = true;
    for (const auto& pos : after)
      if (pos.partition == where.first && pos.offset >= where.second)
        id.is_due = true;
    const auto since = on_.committed_us.find(where);
    if (since != on_.committed_us.end() && since->second < as_of_us && about.holds(x))
      id.is_counted = true;
  }
  bounds out;
  out.most = committed(about);
  for (const auto& [name, id] : ids)
    out.least += id.is_counted || (id.is_in && !id.is_out && id.is_due) ? 1 : 0;
  return out;
}

void truth::check_count(const question& asked, const query_answer& answer, const subject& about,
                        uint64_t clicks) {
  const auto may = of(about, *asked.at, answer.as_of_us, asked.ask.after);
  const auto what = text_of(asked.ask) + " at node " + asked.at->name + ": ";
  if (clicks < may.least)
    on_.wrong(what + std::to_string(clicks) + " of " + about.text() + ", but "
              + std::to_string(may.least)
              + " were counted, or acknowledged by that node, before the answer's as_of, or stand "
                "at or before the position that was waited for: "
              + text_of(answer));
  if (clicks > may.most)
    on_.wrong(what + std::to_string(clicks) + " of " + about.text() + ", but only "
              + std::to_string(may.most) + " are counted: " + text_of(answer));
  if (about != asked.about)
    return;
  if (clicks < asked.floor)
    on_.wrong(what + "went back to " + std::to_string(clicks) + " from "
              + std::to_string(asked.floor) + ": " + text_of(answer));
  auto& floor = floors_[{asked.at->name, about}];
  floor = std::max(floor, clicks);
}

void truth::check(const question& asked, const query_answer& answer) {
  const auto what = text_of(asked.ask) + " at node " + asked.at->name + ": ";
  if (answer.code != errc::none) {
    ++on_.counts.failed;
    const bool is_late = answer.reason.find("no answer in time") == 0;
    if (!may_fail_with(answer.code) || (is_late && on_.silent_us < asked.since_us))
      on_.wrong(what + text_of(answer) + (is_late ? ", although nobody was silent" : ""));
    return;
  }
  if (answer.as_of_us > on_.time_us)
    on_.wrong(what + "the answer is of the future: " + text_of(answer));
  for (const auto& wanted : asked.ask.after) {
    const auto reaches = [&](const position& x) {
      return x.partition == wanted.partition && x.offset >= wanted.offset;
    };
    if (std::none_of(answer.reached.begin(), answer.reached.end(), reaches))
      on_.wrong(what + "the position is not in the answer: " + text_of(answer));
  }
  const bool is_own = answered_elsewhere_.count({asked.at->number, answer.ticket}) == 0;
  if (is_own && is_live(answer))
    check_live(*asked.at, asked.ask.page_url, asked.is_watch ? watched : asked.since_us, answer);
  if (asked.ask.kind != query_kind::users)
    return check_count(asked, answer, asked.about, answer.clicks);
  for (const auto& name : users) {
    uint64_t clicks = 0;
    for (const auto& row : answer.rows)
      clicks += row.name == name ? row.clicks : 0;
    check_count(asked, answer, {asked.about.page, name}, clicks);
  }
}

} // namespace footfall::nodes
