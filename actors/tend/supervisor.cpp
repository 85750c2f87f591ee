#include "actors/tend/supervisor.hpp"

#include <algorithm>

namespace footfall {

void restart_counts::restarted(const std::string& name, const std::string& key) {
  std::lock_guard<std::mutex> guard(mutex_);
  const auto both = name + '/' + key;
  for (auto& [known, count] : counts_)
    if (known == both) {
      ++count;
      return;
    }
  counts_.emplace_back(both, 1);
}

uint64_t restart_counts::of(const std::string& name, const std::string& key) const {
  std::lock_guard<std::mutex> guard(mutex_);
  for (const auto& [known, count] : counts_)
    if (known.size() == name.size() + 1 + key.size() && known.compare(0, name.size(), name) == 0
        && known.compare(name.size() + 1, key.size(), key) == 0)
      return count;
  return 0;
}

namespace {

constexpr std::chrono::milliseconds backoff_first{50};
constexpr std::chrono::milliseconds backoff_most{10'000};
constexpr int64_t healthy_us = 10'000'000;

// Every wired actor takes `wire`.
using wired_actor = caf::typed_actor<rpc<void(atom::wire, wiring)>>;

void wire_all(supervisor_ptr self) {
  auto& st = self->state;
  for (size_t i = 0; i < st.children.size(); ++i)
    if (st.config.children[i].wired && st.children[i].handle)
      self->send(caf::actor_cast<wired_actor>(st.children[i].handle), atom::wire_v, st.nodes);
}

// Every actor that keeps what it read from the store takes `renewed`.
using renewed_actor = caf::typed_actor<rpc<void(atom::renewed, uint64_t)>>;

void renew_all(supervisor_ptr self, uint64_t incarnation) {
  auto& st = self->state;
  for (size_t i = 0; i < st.children.size(); ++i)
    if (st.config.children[i].keeps_of_store && st.children[i].handle)
      self->send(caf::actor_cast<renewed_actor>(st.children[i].handle), atom::renewed_v,
                 incarnation);
}

void start(supervisor_ptr self, size_t i) {
  auto& st = self->state;
  auto& spec = st.config.children[i];
  actor_directory::spawning_parent = self->id();
  auto& x = st.children[i];
  x.handle = spec.start(self->system());
  actor_directory::spawning_parent = 0;
  x.started_at_us = st.config.steady();
  self->monitor(caf::actor_cast<caf::actor>(x.handle));
  spec.connect(st.nodes, x.handle);
}

void child_ended(supervisor_ptr self, const caf::down_msg& down) {
  auto& st = self->state;
  if (st.stopping)
    return;
  for (uint32_t i = 0; i < st.children.size(); ++i) {
    auto& x = st.children[i];
    if (!x.handle || caf::actor_cast<caf::actor_addr>(x.handle) != down.source)
      continue;
    const auto& spec = st.config.children[i];
    x.handle = nullptr;
    ++x.restarts;
    add(st.config.counts->actor_restarts);
    st.config.restarts->restarted(spec.name, spec.key);
    self->entry()->set_error(spec.name + ' ' + spec.key + ": " + text_of(down.reason));
    if (st.config.steady() - x.started_at_us > healthy_us)
      x.backoff = backoff_first;
    spec.connect(st.nodes, nullptr);
    wire_all(self);
    self->delayed_send(self, x.backoff, atom::restart_v, i);
    x.backoff = std::min(x.backoff * 2, backoff_most);
  }
}

void grow(supervisor_ptr self) {
  auto& st = self->state;
  if (st.stopping || !st.config.more)
    return;
  auto more = st.config.more();
  for (auto& spec : more) {
    st.config.children.push_back(std::move(spec));
    st.children.emplace_back();
    start(self, st.children.size() - 1);
  }
  if (!more.empty())
    wire_all(self);
  self->delayed_send(self, std::chrono::seconds{1}, atom::tick_v);
}

void stop(supervisor_ptr self) {
  auto& st = self->state;
  st.stopping = true;
  st.nodes = {};
  for (auto& x : st.children)
    if (x.handle)
      self->send_exit(caf::actor_cast<caf::actor>(x.handle), caf::exit_reason::user_shutdown);
  st.children.clear();
  self->quit(caf::exit_reason::user_shutdown);
}

} // namespace

supervisor_actor::behavior_type supervisor(supervisor_ptr self, supervisor_config config) {
  auto& st = self->state;
  st.config = std::move(config);
  self->entry()->set_state("running");
  self->set_down_handler([self](caf::down_msg& x) { child_ended(self, x); });
  st.children.resize(st.config.children.size());
  for (size_t i = 0; i < st.children.size(); ++i)
    start(self, i);
  wire_all(self);
  grow(self);
  return {
      [self](atom::renewed, uint64_t incarnation) { renew_all(self, incarnation); },
      [self](atom::restart, uint32_t i) {
        auto& st = self->state;
        if (st.stopping || i >= st.children.size() || st.children[i].handle)
          return;
        start(self, i);
        wire_all(self);
      },
      [self](atom::tick) { grow(self); },
      [self](atom::stop) { stop(self); },
      [self](atom::describe) {
        std::vector<state_field> out;
        const auto& st = self->state;
        for (size_t i = 0; i < st.children.size(); ++i) {
          const auto& spec = st.config.children[i];
          out.push_back({spec.key.empty() ? spec.name : spec.name + '_' + spec.key,
                         "{\"running\":" + std::string(st.children[i].handle ? "true" : "false")
                             + ",\"restarts\":" + std::to_string(st.children[i].restarts) + "}"});
        }
        return out;
      },
  };
}

} // namespace footfall
