#include "actors/tend/auditor.hpp"

#include <algorithm>

#include "actors/model/record.hpp"
#include "actors/port_answers.hpp"
#include "actors/tend/audit_pages.hpp"

namespace footfall {

namespace {

constexpr auto positions_step = caf::atom("positions");
constexpr auto rows_step = caf::atom("rows");

std::string name_of(uint32_t partition) {
  return "partition " + std::to_string(partition);
}

void fail(auditor_ptr self, const caf::error& why) {
  auto& st = self->state;
  ++st.number;
  auto x = std::move(st.now);
  self->entry()->set_state("running");
  audit_reply out;
  out.code = code_of(why);
  out.reason = text_of(why);
  x->promise.deliver(std::move(out));
}

void tell_if_stopped(auditor_ptr self, uint32_t partition) {
  const auto& part = self->state.config.status->parts[partition];
  if (part.phase == partition_phase::stopped)
    self->state.now->differs("partition", name_of(partition) + " stopped: " + part.why_stopped(),
                             part.log_end, part.next_offset);
}

// What memory knows is read first: the store can only be further.
void compare_positions(auditor_ptr self) {
  auto& st = self->state;
  auto& to = st.now->reply.partitions;
  for (size_t i = 0; i < st.config.status->parts.size(); ++i) {
    const auto& part = st.config.status->parts[i];
    audit_partition row;
    row.partition = static_cast<uint32_t>(i);
    row.next_offset = part.phase == partition_phase::running ? part.next_offset.load() : -1;
    row.acknowledged_end = part.log_end;
    to.push_back(row);
    tell_if_stopped(self, row.partition);
  }
  st.config.events->progress(to_me<std::vector<partition_state>>(
      self, atom::progress_v, self->state.number, positions_step));
}

// The log is asked after the store: it can only be further. What it has dropped meanwhile
// was applied meanwhile.
void look_at_log(auditor_ptr self) {
  auto& st = self->state;
  const auto number = ++st.number;
  st.now->open = st.now->reply.partitions.size();
  if (st.now->open == 0) // A gateway that was told of none yet.
    return st.config.events->audit(
        to_me<std::vector<audit_difference>>(self, atom::audit_v, number, rows_step));
  auto me = caf::actor_cast<auditor_actor>(self);
  for (const auto& row : st.now->reply.partitions)
    st.config.log->look(row.partition, -1,
                        [me, number, partition = row.partition](caf::expected<log_view> x) {
                          audit_partition out;
                          out.partition = partition;
                          if (x) {
                            out.log_first = x->first;
                            out.log_end = x->end;
                          }
                          caf::anon_send(me, atom::found_v, number, out);
                        });
}

void take_range(auditor_ptr self, const audit_partition& seen) {
  auto& st = self->state;
  auto& x = *st.now;
  auto& row = x.reply.partitions.at(seen.partition);
  row.log_first = seen.log_first;
  row.log_end = seen.log_end;
  const auto applied =
      std::max<int64_t>(row.next_offset, st.config.status->parts[seen.partition].next_offset);
  x.saw_log = x.saw_log || seen.log_end >= 0;
  if (seen.log_end < 0)
    x.reply.not_checked.push_back("the log's range of " + name_of(seen.partition)
                                  + ": it does not answer");
  else if (row.next_offset > seen.log_end)
    x.differs("event log", name_of(seen.partition) + ": its end, below what is applied",
              row.next_offset, seen.log_end);
  else if (seen.log_first > applied)
    x.differs("event log", name_of(seen.partition) + ": its start, above what is applied", applied,
              seen.log_first);
  if (--x.open > 0)
    return;
  if (x.saw_log)
    x.reply.checked.push_back("what is applied against the range of the event log");
  st.config.events->audit(
      to_me<std::vector<audit_difference>>(self, atom::audit_v, self->state.number, rows_step));
}

void take_progress(auditor_ptr self, const std::vector<partition_state>& all) {
  auto& st = self->state;
  auto& x = *st.now;
  for (auto& row : x.reply.partitions) {
    const auto known = std::exchange(row.next_offset, 0);
    row.folded_offset = 0;
    for (const auto& y : all)
      if (y.partition == row.partition) {
        row.next_offset = y.next_offset;
        row.folded_offset = y.folded_offset;
      }
    if (row.next_offset < known)
      x.differs("partition_progress", name_of(row.partition) + ": applied, as the node knows",
                known, row.next_offset);
  }
  x.reply.checked.push_back("positions that are applied, in memory and in the store");
  look_at_log(self);
}

void take_rows(auditor_ptr self, std::vector<audit_difference>& found) {
  auto& st = self->state;
  auto& x = *st.now;
  for (auto& y : found)
    if (x.reply.differences.size() < auditor_state::run::differences_max)
      x.reply.differences.push_back(std::move(y));
  x.reply.checked.push_back("every aggregate below the folded positions against the raw events");
  if (x.ask.live == audit_live::none)
    finish_audit(self);
  else
    audit_pages::begin(self);
}

uint32_t home_of(auditor_ptr self, const audit_ask& ask) {
  const auto homes = std::max<size_t>(self->state.nodes.partitions.size(), 1);
  return model::partition_of(model::record_key(ask.site_id, ask.page_url),
                             static_cast<uint32_t>(homes));
}

void take_recount(auditor_ptr self, page_recount& found) {
  auto& st = self->state;
  auto& x = *st.now;
  auto& to = x.reply.differences;
  to.insert(to.end(), found.differences.begin(), found.differences.end());
  x.reply.checked.push_back(std::to_string(found.rows)
                            + " raw events of the page, below the folded positions, against its "
                              "clicks, users, types and minutes");
  if (x.ask.live == audit_live::none)
    finish_audit(self);
  else
    audit_pages::look_at(self, home_of(self, x.ask), in_site(x.ask.site_id, x.ask.page_url));
}

void say_of_page(auditor_state::run& x) {
  auto& to = x.reply;
  if (x.bounded > 0)
    to.checked.push_back("clicks of the live page against the store");
  else if (x.compared > 0)
    to.checked.push_back("clicks, users and types of the live page against the store");
  if (x.bounded > 0)
    to.not_checked.push_back("users and types of the live page, which was clicked meanwhile");
  else if (x.compared == 0 && to.not_checked.empty())
    to.not_checked.push_back("the page in memory: it is not live at this node, was being loaded, "
                             "did not answer, or was not asked for");
  to.not_checked.push_back("other pages, how far the partitions are, and what the event log holds");
}

caf::result<audit_reply> start(auditor_ptr self, const audit_ask& ask) {
  auto& st = self->state;
  if (st.now) {
    audit_reply busy;
    busy.code = errc::overloaded;
    busy.reason = "an audit is under way; ask again when it is done";
    return busy;
  }
  st.now = std::make_unique<auditor_state::run>();
  st.now->promise = self->make_response_promise<audit_reply>();
  st.now->ask = ask;
  st.now->incarnation = st.config.events->incarnation();
  self->entry()->set_state("auditing");
  ++st.number;
  auto promise = st.now->promise;
  if (ask.page_url.empty()) {
    compare_positions(self);
    return promise;
  }
  if (const auto home = home_of(self, ask); home < st.config.status->parts.size())
    tell_if_stopped(self, home);
  st.config.events->audit_page({ask.site_id, ask.page_url},
                               to_me<page_recount>(self, atom::audit_v, st.number, rows_step));
  return promise;
}

} // namespace

void auditor_state::run::differs(std::string table, std::string key, int64_t expected,
                                 int64_t found) {
  if (reply.differences.size() < differences_max)
    reply.differences.push_back({std::move(table), std::move(key),
                                 static_cast<uint64_t>(std::max<int64_t>(expected, 0)),
                                 static_cast<uint64_t>(std::max<int64_t>(found, 0))});
}

void finish_audit(auditor_ptr self) {
  auto& st = self->state;
  if (st.now->incarnation != st.config.events->incarnation())
    return fail(self, make_error(errc::store_unavailable,
                                 "the store went back, or became another one, meanwhile; ask "
                                 "again"));
  ++st.number;
  auto x = std::move(st.now);
  self->entry()->set_state("running");
  auto& to = x->reply;
  const bool is_page = !x->ask.page_url.empty();
  if (is_page) {
    say_of_page(*x);
  } else if (x->ask.live == audit_live::none) {
    to.not_checked.push_back("live pages (ask with live=sample or live=all)");
  } else {
    to.checked.push_back("clicks, users and types of " + std::to_string(x->compared) + " of "
                         + std::to_string(x->live) + " live pages against the store");
    if (x->compared < x->live)
      to.not_checked.push_back(std::to_string(x->live - x->compared)
                               + " live pages (live=all looks at all of them; some may have "
                                 "ended meanwhile)");
    if (x->bounded > 0)
      to.not_checked.push_back("users and types of " + std::to_string(x->bounded)
                               + " live pages that were clicked meanwhile");
  }
  to.not_checked.push_back("cached counts (each has a version, and expires)");
  to.not_checked.push_back("events that never reached the log");
  to.not_checked.push_back("the minutes that pages in memory hold");
  to.not_checked.push_back("which log it is (each partition compares that every 3 s, and stops)");
  x->promise.deliver(std::move(to));
}

auditor_actor::behavior_type auditor(auditor_ptr self, auditor_config config) {
  self->state.config = config;
  self->entry()->set_state("running");
  auto now = [self](uint64_t number) { return self->state.now && self->state.number == number; };
  return {
      [self](atom::audit, const audit_ask& ask) { return start(self, ask); },
      [self, now](atom::progress, uint64_t n, const std::vector<partition_state>& x) {
        if (now(n))
          take_progress(self, x);
      },
      [self, now](atom::found, uint64_t n, const audit_partition& x) {
        if (now(n))
          take_range(self, x);
      },
      [self, now](atom::audit, uint64_t n, std::vector<audit_difference>& x) {
        if (now(n))
          take_rows(self, x);
      },
      [self, now](atom::audit, uint64_t n, page_recount& x) {
        if (now(n))
          take_recount(self, x);
      },
      [self, now](atom::loaded, uint64_t n, caf::atom_value step, store_answer& x) {
        if (now(n))
          audit_pages::take_loads(self, step, x);
      },
      [self, now](atom::reached, uint64_t n, const position&, uint64_t) {
        if (now(n))
          audit_pages::take_reached(self);
      },
      [self, now](atom::tick, uint64_t n) {
        if (now(n) && self->state.now->open > 0)
          audit_pages::give_up_waiting(self);
      },
      [self, now](atom::failed, uint64_t n, caf::atom_value, const caf::error& why) {
        if (now(n))
          fail(self, why);
      },
      [self](atom::wire, wiring& x) { self->state.nodes = std::move(x); },
      [self](atom::describe) -> std::vector<state_field> {
        return {{"auditing", self->state.now ? "true" : "false"}};
      },
  };
}

} // namespace footfall
