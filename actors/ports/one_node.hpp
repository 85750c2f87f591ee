#pragma once

#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "actors/ports/store.hpp"

namespace footfall {

/// The leases of a store that one process has to itself: whoever beats lives, and no other
/// node is there. Epochs are the store's; who owns what it remembers itself, until its end.
/// Any thread.
class one_node final : public leases {
public:
  /// @param of whose part it is
  explicit one_node(store& of) : of_(of) {}

  void join(done<int64_t> reply) override;
  void beat(node_beat x, done<beat_answer> reply) override;
  /// By a claim of the store for nobody, which raises the epoch.
  void release(uint32_t partition, owner_id me, int64_t epoch, done<bool> reply) override;
  /// There is nobody to tell.
  void mark_stopped(uint32_t partition, owner_id me, int64_t epoch, stop_kind kind, std::string why,
                    done<bool> reply) override;
  void leave(owner_id me, done<bool> reply) override;

  /// For the store, in the step in which it claims a partition that has this epoch now.
  bool may_claim(const lease_claim& x, int64_t epoch) const;
  /// The claim was granted, and is stored.
  void claimed(const lease_claim& x, int64_t epoch);

private:
  owner_id owner_of(uint32_t partition, int64_t epoch) const; // With the lock held.

  store& of_;
  mutable std::mutex mutex_;
  int64_t joined_ = 0;
  owner_id node_;                                           ///< Of the last beat that was taken.
  std::map<uint32_t, std::pair<owner_id, int64_t>> owners_; ///< With the epoch of the claim.
};

} // namespace footfall
