#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "actors/model/ownership.hpp"
#include "tests/simulator/world.hpp"

namespace footfall::simulator {

using model::owner_id;

std::string text(const owner_id& x);

/// What a beat says of its node.
struct beat_text {
  owner_id me;
  uint64_t number = 0;
  bool draining = false;
  bool aggregates = true;
  model::log_reach log = model::log_reach::works;
  int64_t wall_us = 0; ///< Of the node. No statement uses it, but one with a bug.
  int64_t spent_us = 0;
};

struct claim_text {
  uint32_t partition = 0;
  owner_id me;
  owner_id seen;
  int64_t epoch = 0;
  bool early = false;
};

struct claim_grant {
  int64_t epoch = 0;
  int64_t next = 0; ///< The first record that is not applied.
};

/// The statements of the lease on PostgreSQL (docs/adr/0036-leases.md), in memory, with the
/// clock of a machine of its own. Each call is one statement, done at once; when it is done,
/// and whether anybody hears of it, is decided elsewhere (process).
///
/// It knows the true time only to check: which is not for the statements to see.
class lease_store {
public:
  lease_store(world& here, uint32_t partitions, int64_t lease_us);

  // What a crash, a start and a hang are.
  void hang_until(int64_t time_us) { hung_until_us_ = std::max(hung_until_us_, time_us); }
  int64_t hung_until() const noexcept { return hung_until_us_; }
  bool is_hung() const noexcept { return here_.now() < hung_until_us_; }
  bool is_up() const noexcept { return is_up_; }
  void crash();
  void start();
  /// Rises with each crash: what was under way before it is lost.
  uint64_t lives() const noexcept { return lives_; }

  uint64_t open_session();
  void close_session(uint64_t session) { sessions_.erase(session); }
  bool has_session(uint64_t session) const { return sessions_.count(session) > 0; }

  int64_t new_incarnation(const std::string& node) { return joined_[node] = ++incarnations_; }
  model::beat_answer beat(uint64_t session, const beat_text& x);
  std::optional<claim_grant> claim(const claim_text& x);
  void release(uint32_t partition, const owner_id& me, int64_t epoch);
  void leave(const owner_id& me);
  /// Records [from, from + count). @returns whether anything moved.
  bool apply(uint32_t partition, int64_t epoch, int64_t from, int64_t count);

  // For the checks.
  uint32_t partitions() const noexcept { return static_cast<uint32_t>(partitions_.size()); }
  int64_t epoch_of(uint32_t partition) const { return partitions_[partition].epoch; }
  const owner_id& owner_of(uint32_t partition) const { return partitions_[partition].owner; }
  int64_t next_of(uint32_t partition) const { return partitions_[partition].next; }
  /// Of the last process that joined under the name, or 0.
  int64_t incarnation_of(const std::string& node) const {
    const auto found = joined_.find(node);
    return found == joined_.end() ? 0 : found->second;
  }
  /// The node that had it last, even when it is nobody's now.
  const std::string& last_node_of(uint32_t p) const { return partitions_[p].last_node; }
  /// How far a partition was committed at a true time.
  int64_t committed_at(uint32_t partition, int64_t time_us) const;
  /// How long the lease of a process is over, by the store's clock; negative while it runs.
  std::optional<int64_t> over_since_us(const owner_id& x) const;
  void check_applied() const;

private:
  struct node {
    int64_t incarnation = 0;
    uint64_t beat = 0;
    int64_t seen_at_us = 0;
    int64_t expires_at_us = 0;
    int64_t true_end_us = 0; ///< When it must expire, whatever the statement wrote.
    uint64_t session = 0;
    beat_text said;
  };
  struct partition {
    owner_id owner;
    std::string last_node;
    int64_t epoch = 0;
    int64_t next = 0;
    std::vector<std::pair<int64_t, int64_t>> commits; ///< True time, and `next` from then on.
    std::vector<int64_t> applied;                     ///< Each record, as the table holds it.
  };

  int64_t clock() const noexcept;
  model::sight sight_of(const node& x) const;
  bool may_take(const partition& row, const claim_text& x) const;
  void check_taken(uint32_t number, const claim_text& x) const;

  world& here_;
  int64_t lease_us_;
  int64_t offset_us_; ///< Up to two hours.
  int64_t drift_ppm_; ///< Up to 0.1 %.
  bool is_up_ = true;
  int64_t up_since_us_;
  int64_t hung_until_us_ = 0;
  uint64_t lives_ = 1;
  uint64_t sessions_opened_ = 0;
  int64_t incarnations_ = 0;
  std::map<std::string, int64_t> joined_;
  std::set<uint64_t> sessions_;
  std::map<std::string, node> nodes_;
  std::vector<partition> partitions_;
};

} // namespace footfall::simulator
