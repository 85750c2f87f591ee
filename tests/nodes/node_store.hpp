#pragma once

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "actors/ports/clock.hpp"
#include "tests/explorer/uncertain_store.hpp"
#include "tests/support/shared_store.hpp"

namespace footfall::nodes {

/// One process's way to the store that all nodes share: slow and uncertain, its leases too.
class node_store final : public explorer::uncertain_store, private leases {
public:
  node_store(test::shared_store& way, explorer::agenda& works, now_fn steady)
      : uncertain_store(way, works), way_(way), steady_(std::move(steady)) {}

  /// By partition: when the last statement was sent whose answer, which arrived, said that it
  /// is this process's, or that its apply had an effect.
  std::map<uint32_t, int64_t> confirmed_us;

  leases& nodes() override { return *this; }
  using uncertain_store::claim;
  void claim(lease_claim by, store::done<partition_claim> reply) override {
    auto heard = [this, p = by.partition, sent = steady_(),
                  reply = std::move(reply)](caf::expected<partition_claim> x) {
      if (x && x->granted)
        confirmed_us[p] = std::max(confirmed_us[p], sent);
      reply(std::move(x));
    };
    uncertain_store::claim(by, std::move(heard));
  }

  void apply(apply_request batch, store::done<apply_result> reply) override {
    if (hangs_) {
      hung_.emplace_back(std::move(batch), std::move(reply));
      return;
    }
    // The epoch was still its own: watchers are told of the apply, and of nothing later.
    store::done<apply_result> heard = [this, partition = batch.partition, sent = steady_(),
                                       reply = std::move(reply)](caf::expected<apply_result> x) {
      if (x && x->moved)
        confirmed_us[partition] = std::max(confirmed_us[partition], sent);
      reply(std::move(x));
    };
    uncertain_store::apply(std::move(batch), std::move(heard));
  }
  /// While set, applies wait; then they are done, or fail, as `fails` says.
  void hang_in_applies(bool on, bool fails = false) {
    hangs_ = on;
    if (on)
      return;
    for (auto& [batch, reply] : std::exchange(hung_, {}))
      if (fails)
        reply(make_error(errc::store_unavailable, "it hung for too long"));
      else
        apply(std::move(batch), std::move(reply));
  }

private:
  leases& inner() { return way_.nodes(); }

  void join(leases::done<int64_t> reply) override {
    submit(std::move(reply), [this](auto x) { inner().join(std::move(x)); });
  }
  void beat(node_beat x, leases::done<beat_answer> reply) override {
    leases::done<beat_answer> heard = [this, me = x.me, sent = steady_(),
                                       reply = std::move(reply)](caf::expected<beat_answer> y) {
      if (y)
        for (const auto& row : y->partitions)
          if (row.owner == me)
            confirmed_us[row.partition] = std::max(confirmed_us[row.partition], sent);
      reply(std::move(y));
    };
    submit(std::move(heard), [this, x](auto y) { inner().beat(x, std::move(y)); });
  }
  void release(uint32_t partition, owner_id me, int64_t epoch, leases::done<bool> reply) override {
    submit(std::move(reply),
           [=, this](auto x) { inner().release(partition, me, epoch, std::move(x)); });
  }
  void mark_stopped(uint32_t partition, owner_id me, int64_t epoch, stop_kind kind, std::string why,
                    leases::done<bool> reply) override {
    submit(std::move(reply), [=, this](auto x) {
      inner().mark_stopped(partition, me, epoch, kind, why, std::move(x));
    });
  }
  void leave(owner_id me, leases::done<bool> reply) override {
    submit(std::move(reply), [=, this](auto x) { inner().leave(me, std::move(x)); });
  }

  test::shared_store& way_;
  now_fn steady_;
  bool hangs_ = false;
  std::vector<std::pair<apply_request, store::done<apply_result>>> hung_;
};

} // namespace footfall::nodes
