#include "actors/tend/redriver.hpp"

#include "actors/model/record.hpp"
#include "actors/port_answers.hpp"
#include "proto/failpoint.hpp"

namespace footfall {

namespace {

constexpr size_t runs_max = 16;

/// Applies `use` to a run that is still under way.
template <class Use>
void with_run(redriver_ptr self, uint64_t number, Use use) {
  auto at = self->state.runs.find(number);
  if (at != self->state.runs.end())
    use(at->second);
}

void finish(redriver_ptr self, uint64_t number) {
  auto at = self->state.runs.find(number);
  at->second.promise.deliver(std::move(at->second.reply));
  self->state.runs.erase(at);
}

/// The open ones from a place on, or the next of those that were named.
void read(redriver_ptr self, uint64_t number, const redriver_state::run& x) {
  bad_events_ask ask{x.ask.after, x.ask.limit, true};
  if (!x.ask.positions.empty()) {
    const auto& wanted = x.ask.positions[x.looked_up];
    ask = {{wanted.partition, wanted.offset - 1}, 1, false};
  }
  self->state.config.events->bad_events(ask, to_me<bad_event_page>(self, atom::loaded_v, number));
}

redrive_result refused(const position& at, errc code, std::string reason) {
  redrive_result out{at, {}};
  out.result.status = outcome::rejected;
  out.result.code = code;
  out.result.reason = std::move(reason);
  return out;
}

void append(redriver_ptr self, uint64_t number, redriver_state::run& x) {
  std::vector<click_event> events;
  for (const auto& row : x.rows) {
    click_event event;
    auto reason = model::read_again(row, event);
    if (reason.empty()) {
      x.places.push_back(x.reply.results.size());
      x.reply.results.push_back({row.pos, {}});
      events.push_back(std::move(event));
    } else {
      x.reply.results.push_back(refused(row.pos, errc::invalid_argument, std::move(reason)));
    }
  }
  if (events.empty())
    return finish(self, number);
  auto me = caf::actor_cast<redriver_actor>(self);
  self->state.config.ingest(std::move(events), [me, number](ingest_reply reply) {
    caf::anon_send(me, atom::ingested_v, number, std::move(reply.results));
  });
}

void take_page(redriver_ptr self, uint64_t number, redriver_state::run& x, bad_event_page& page) {
  if (x.ask.positions.empty()) {
    x.rows = std::move(page.rows);
    x.reply.more = page.more;
    return append(self, number, x);
  }
  const auto& wanted = x.ask.positions[x.looked_up++];
  if (!page.rows.empty() && page.rows[0].pos == wanted)
    x.rows.push_back(std::move(page.rows[0]));
  else
    x.reply.results.push_back(
        refused(wanted, errc::not_found, "no bad event stands at this position"));
  if (x.looked_up < x.ask.positions.size())
    return read(self, number, x);
  append(self, number, x);
}

void take_results(redriver_ptr self, uint64_t number, redriver_state::run& x,
                  std::vector<event_result>& results) {
  std::vector<redriven> marks;
  for (size_t i = 0; i < x.places.size() && i < results.size(); ++i) {
    auto& to = x.reply.results[x.places[i]];
    to.result = std::move(results[i]);
    if (to.result.status == outcome::accepted)
      marks.push_back({to.pos, to.result.pos});
  }
  failpoint("redrive.before_mark");
  if (marks.empty())
    return finish(self, number);
  self->state.redriven += marks.size();
  self->state.config.events->mark_redriven(std::move(marks),
                                           to_me<uint64_t>(self, atom::marked_v, number));
}

caf::result<redrive_reply> redrive(redriver_ptr self, redrive_ask& ask) {
  auto& st = self->state;
  if (st.runs.size() >= runs_max) {
    redrive_reply busy;
    busy.code = errc::overloaded;
    busy.reason = std::to_string(runs_max) + " re-drives are under way; ask again later";
    return busy;
  }
  const auto number = st.next_run++;
  auto& x = st.runs[number];
  x.promise = self->make_response_promise<redrive_reply>();
  x.ask = std::move(ask);
  auto promise = x.promise;
  read(self, number, x);
  return promise;
}

void fail(redriver_ptr self, uint64_t number, redriver_state::run& x, const caf::error& why) {
  self->entry()->set_error(text_of(why));
  x.reply = {};
  x.reply.code = code_of(why);
  x.reply.reason = text_of(why) + "; ask again, nothing counts twice";
  finish(self, number);
}

} // namespace

redriver_actor::behavior_type redriver(redriver_ptr self, redriver_config config) {
  self->state.config = std::move(config);
  self->entry()->set_state("running");
  return {
      [self](atom::redrive, redrive_ask& ask) { return redrive(self, ask); },
      [self](atom::loaded, uint64_t n, bad_event_page& page) {
        with_run(self, n, [&](auto& x) { take_page(self, n, x, page); });
      },
      [self](atom::ingested, uint64_t n, std::vector<event_result>& results) {
        with_run(self, n, [&](auto& x) { take_results(self, n, x, results); });
      },
      [self](atom::marked, uint64_t n, uint64_t) {
        with_run(self, n, [&](auto&) { finish(self, n); });
      },
      [self](atom::failed, uint64_t n, const caf::error& why) {
        with_run(self, n, [&](auto& x) { fail(self, n, x, why); });
      },
      [self](atom::describe) -> std::vector<state_field> {
        return {{"redrives_open", std::to_string(self->state.runs.size())},
                {"redriven", std::to_string(self->state.redriven)}};
      },
  };
}

} // namespace footfall
