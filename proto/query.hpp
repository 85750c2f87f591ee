#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proto/event.hpp"
#include "proto/trace.hpp"

namespace footfall {

enum class query_kind : uint8_t {
  count = 1,
  page,
  top_pages,
  series,
  users,
  active, ///< Who clicked in the last five minutes.
};
enum class series_step : uint8_t {
  minute = 1,
  hour,
  day,
  quarter_hour, ///< For who cuts days and weeks in a time zone; no client asks for it.
};
enum class answer_source : uint8_t { none = 0, cache, actor, store };

/// "cache", "actor" or "store".
const char* to_string(answer_source x) noexcept;
/// "count", "top pages", ...
const char* to_string(query_kind x) noexcept;

/// One question about counts. Fields that a kind does not use stay empty.
struct query_ask {
  uint64_t ticket = 0; ///< Given by the gateway; comes back in the answer.
  query_kind kind = query_kind::count;
  std::string site_id;  ///< Never empty.
  std::string page_url; ///< series, active: empty means the whole site.
  std::string user_id;
  int64_t from_us = unset_time;
  int64_t to_us = unset_time;
  uint32_t limit = 10; ///< page: 0 for one that does not become live for the question.
  series_step step = series_step::minute;
  std::vector<position> after; ///< Wait until all of these are applied.
  int64_t deadline_us = 0;     ///< By steady_now() of its node; the answer is of no use later.
  uint32_t left_ms = 0;        ///< From another node: so long from now, in place of a deadline.
  int64_t sent_us = 0; ///< From another node: when, by its clock; as_of_us goes by that one then.
  int64_t least = 0;   ///< From another node: an answer that lacks records of the page's partition
                       ///< below this offset is of no use to it.
  trace_context trace = {};
};
template <class Inspector>
auto inspect(Inspector& f, query_ask& x) {
  auto kind = static_cast<uint8_t>(x.kind);
  auto step = static_cast<uint8_t>(x.step);
  auto load = [&]() -> caf::error {
    x.kind = static_cast<query_kind>(kind);
    x.step = static_cast<series_step>(step);
    return caf::none;
  };
  return f(caf::meta::type_name("query_ask"), x.ticket, kind, x.site_id, x.page_url, x.user_id,
           x.from_us, x.to_us, x.limit, step, x.after, x.deadline_us, x.left_ms, x.sent_us, x.least,
           x.trace, caf::meta::load_callback(load));
}

/// A row of a list: a page, a user or an event type with its counts.
struct named_count {
  std::string name;
  uint64_t clicks = 0;
  uint64_t users = 0;
};
template <class Inspector>
auto inspect(Inspector& f, named_count& x) {
  return wire::object(f, "named_count", x.name, x.clicks, x.users);
}

struct series_point {
  int64_t at_us = 0;
  uint64_t clicks = 0;
};
template <class Inspector>
auto inspect(Inspector& f, series_point& x) {
  return wire::object(f, "series_point", x.at_us, x.clicks);
}

struct query_answer {
  uint64_t ticket = 0;
  errc code = errc::none; ///< none: the rest is valid.
  std::string reason;     ///< What was wrong and what to do.
  answer_source source = answer_source::none;
  std::string node = {};         ///< In a cluster: the name of the node that answers.
  int64_t as_of_us = 0;          ///< The committed state is at least this fresh.
  std::vector<position> reached; ///< Last applied position of the partitions read.
  uint64_t clicks = 0;           ///< count: of the user on the page; page, active: all.
  uint64_t users = 0;
  std::vector<named_count> rows;    ///< page: by type; top_pages; users; active: pages.
  std::vector<uint64_t> minutes;    ///< page: 60, oldest first.
  std::vector<series_point> points; ///< series, gaps filled.
  uint64_t other_types = 0;         ///< page: clicks of types that `rows` does not name.
  bool more = false;
  bool users_known = true; ///< False: `users` of the rows was not counted (ranges).
  int64_t since_us = 0;    ///< active: clicks before may be missing; 0: none are.
};
template <class Inspector>
auto inspect(Inspector& f, query_answer& x) {
  auto code = static_cast<uint8_t>(x.code);
  auto source = static_cast<uint8_t>(x.source);
  auto load = [&]() -> caf::error {
    x.code = static_cast<errc>(code);
    x.source = static_cast<answer_source>(source);
    return caf::none;
  };
  return f(caf::meta::type_name("query_answer"), x.ticket, code, x.reason, source, x.node,
           x.as_of_us, x.reached, x.clicks, x.users, x.rows, x.minutes, x.points, x.other_types,
           x.more, x.users_known, x.since_us, caf::meta::load_callback(load));
}

/// What became of a question, for logs: without what it was about.
std::string summary(query_kind kind, const query_answer& x);

/// Many client requests in one message: one for each I/O turn, not for each event.
struct ingest_ask {
  uint64_t ticket = 0;
  std::vector<click_event> events;
  trace_context trace = {};
};
template <class Inspector>
auto inspect(Inspector& f, ingest_ask& x) {
  return wire::object(f, "ingest_ask", x.ticket, x.events, x.trace);
}

struct ingest_answer {
  uint64_t ticket = 0;
  std::vector<event_result> results; ///< One for each event, in request order.
  int64_t lag_us = 0;                ///< As in ingest_reply.
};
template <class Inspector>
auto inspect(Inspector& f, ingest_answer& x) {
  return wire::object(f, "ingest_answer", x.ticket, x.results, x.lag_us);
}

enum class actor_order : uint8_t { name = 0, mailbox, processed, rate, restarts };

/// Which actors `/actors` is to show.
struct actors_ask {
  std::string node; ///< Of that node alone; empty: of all.
  std::string name; ///< Of that name alone, unless empty.
  std::string key;  ///< Only those whose key contains this.
  actor_order order = actor_order::name;
  uint32_t limit = 1000;
  bool tree = false; ///< With all that stand above those that match.
};
template <class Inspector>
auto inspect(Inspector& f, actors_ask& x) {
  auto order = static_cast<uint8_t>(x.order);
  auto load = [&]() -> caf::error {
    x.order = static_cast<actor_order>(order);
    return caf::none;
  };
  return f(caf::meta::type_name("actors_ask"), x.node, x.name, x.key, order, x.limit, x.tree,
           caf::meta::load_callback(load));
}

/// A node whose actors were asked for.
struct asked_node {
  std::string name;
  std::string fault; ///< Why its actors are missing; empty: they are not.
};
template <class Inspector>
auto inspect(Inspector& f, asked_node& x) {
  return wire::object(f, "asked_node", x.name, x.fault);
}

/// One actor as `/actors` shows it.
struct actor_row {
  std::string node = {};   ///< Where it runs; empty: the node is alone.
  uint64_t id = 0;         ///< One of a kind at its node.
  uint64_t parent = 0;     ///< 0: the root.
  std::string name;        ///< "partition", "page_aggregator", ...
  std::string key;         ///< What it is responsible for, such as the page.
  std::string state;       ///< "running", "loading", "fenced", ...
  uint64_t mailbox = 0;    ///< Messages that wait.
  uint64_t processed = 0;  ///< Messages handled since it started.
  uint64_t rate_milli = 0; ///< Messages a second over the last seconds, times 1,000.
  uint64_t restarts = 0;
  std::string last_error;
};
template <class Inspector>
auto inspect(Inspector& f, actor_row& x) {
  return wire::object(f, "actor_row", x.node, x.id, x.parent, x.name, x.key, x.state, x.mailbox,
                      x.processed, x.rate_milli, x.restarts, x.last_error);
}

/// One named value of an actor's state; `value` is JSON text.
struct state_field {
  std::string name;
  std::string value;
};
template <class Inspector>
auto inspect(Inspector& f, state_field& x) {
  return wire::object(f, "state_field", x.name, x.value);
}

/// A place where an aggregate does not equal the rows it was made of.
struct audit_difference {
  std::string table;
  std::string key;
  uint64_t expected = 0; ///< From the raw rows.
  uint64_t found = 0;    ///< In the aggregate.
};
template <class Inspector>
auto inspect(Inspector& f, audit_difference& x) {
  return wire::object(f, "audit_difference", x.table, x.key, x.expected, x.found);
}

/// One page, counted from its raw rows below the folded positions.
struct page_recount {
  uint64_t rows = 0;
  std::vector<audit_difference> differences; ///< Of its aggregates; at most 1,000.
};
template <class Inspector>
auto inspect(Inspector& f, page_recount& x) {
  return wire::object(f, "page_recount", x.rows, x.differences);
}

} // namespace footfall
