#include "actors/tend/inspector.hpp"

namespace footfall {

namespace {

constexpr auto patience = std::chrono::milliseconds(1000);
constexpr int64_t rate_over_us = 1'000'000;

actor_row row_of(inspector_ptr self, const actor_entry& x, int64_t now) {
  auto& st = self->state;
  auto texts = x.read();
  actor_row out;
  out.id = x.id;
  out.parent = x.parent;
  out.name = x.name;
  out.processed = x.processed.load(std::memory_order_relaxed);
  const auto enqueued = x.enqueued.load(std::memory_order_relaxed);
  out.mailbox = enqueued > out.processed ? enqueued - out.processed : 0;
  out.restarts = st.config.restarts ? st.config.restarts(x.name, texts.key) : 0;
  out.key = std::move(texts.key);
  out.state = std::move(texts.state);
  out.last_error = std::move(texts.error);
  auto [at, fresh] = st.samples.try_emplace(x.id);
  auto& last = at->second;
  if (fresh) {
    last = {out.processed, now, 0};
  } else if (now - last.at_us >= rate_over_us) {
    const auto more = out.processed - last.processed;
    last = {out.processed, now, more * 1'000'000'000 / static_cast<uint64_t>(now - last.at_us)};
  }
  out.rate_milli = last.rate_milli;
  return out;
}

actors_reply list(inspector_ptr self) {
  auto& samples = self->state.samples;
  const auto now = self->state.config.steady();
  actors_reply out;
  auto next = samples.begin();
  for (const auto& x : actor_directory::get().snapshot()) {
    while (next != samples.end() && next->first < x->id)
      next = samples.erase(next); // That actor is gone.
    out.rows.push_back(row_of(self, *x, now));
    next = samples.upper_bound(x->id);
  }
  samples.erase(next, samples.end());
  return out;
}

// Every actor of ours answers `describe`.
using described_actor = caf::typed_actor<rpc<std::vector<state_field>(atom::describe)>>;

caf::result<actor_detail> describe(inspector_ptr self, uint64_t id) {
  auto entry = actor_directory::get().find(id);
  auto target = entry ? entry->handle.lock() : nullptr;
  actor_detail out;
  if (!target) {
    out.code = errc::not_found;
    out.reason = "no such actor runs; /actors lists those that do";
    return out;
  }
  out.row = row_of(self, *entry, self->state.config.steady());
  if (id == self->id())
    return out;
  auto promise = self->make_response_promise<actor_detail>();
  self->request(caf::actor_cast<described_actor>(target), patience, atom::describe_v)
      .then(
          [promise, out](std::vector<state_field>& fields) mutable {
            out.fields = std::move(fields);
            promise.deliver(std::move(out));
          },
          [promise, out](const caf::error& why) mutable {
            out.row.last_error = "it did not answer within a second: " + text_of(why);
            promise.deliver(std::move(out));
          });
  return promise;
}

} // namespace

inspector_actor::behavior_type inspector(inspector_ptr self, inspector_config config) {
  self->state.config = std::move(config);
  self->entry()->set_state("running");
  return {
      [self](atom::list) { return list(self); },
      [self](atom::describe, uint64_t id) { return describe(self, id); },
      [self](atom::describe) -> std::vector<state_field> {
        return {{"actors_seen", std::to_string(self->state.samples.size())}};
      },
  };
}

} // namespace footfall
