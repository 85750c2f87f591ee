#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "actors/count/page_aggregator.hpp"
#include "actors/interfaces.hpp"
#include "actors/model/active_visitors.hpp"
#include "actors/model/log_check.hpp"
#include "actors/model/page_table.hpp"
#include "actors/model/partition_progress.hpp"
#include "actors/tend/node_status.hpp"
#include "actors/tend/observed.hpp"

namespace footfall {

struct partition_config {
  uint32_t partition = 0;
  uint32_t partitions = 1;
  store* events = nullptr;  ///< Outlives the actor.
  event_log* log = nullptr; ///< The same.
  metrics* counts = nullptr;
  partition_status* status = nullptr;  ///< Outlives the actor.
  node_status* node = nullptr;         ///< Of which `status` is a part.
  now_fn now;                          ///< For what is told of times and their order.
  now_fn steady = steady_now;          ///< For how long something takes, or is given.
  size_t batch_max = 5000;             ///< Records in one apply.
  std::chrono::milliseconds gather{5}; ///< Between two applies of many clients.
  std::chrono::milliseconds fold_every{250};
  size_t fold_max = fold_records_max;  ///< Log records in one fold; more pending folds at once.
  size_t fold_step = fold_records_max; ///< About the same while fewer than four of it wait.
  /// Log records of the node that may be applied and not folded, which every reader of the
  /// store adds up. A partition has its share, of two folds at least; beyond it applies wait.
  size_t unfolded_max = 2'000'000;
  std::chrono::milliseconds look_every{0}; ///< Whether the log is still the same; 0: at claims.
  bool leased = false; ///< In a cluster: it runs when, and while, OWNERSHIP says so.
  std::chrono::microseconds live_max{2'000'000}; ///< Then no answer from memory is older.
  size_t live_pages_max = 10'000;
  /// Entries of model::active_visitors that the partitions of the log together may have; each has
  /// its share.
  size_t active_entries_max = 1'000'000;
  uint32_t users_per_page_max = 100'000;
  std::chrono::seconds passivate_after{300};
  std::shared_ptr<std::atomic<int64_t>> pairs_left;
  /// Told why the partition stopped, at once; must not block. May be empty.
  std::function<void(const std::string&)> report;
};

/// Invariants: one apply under way at most; records are applied in the order of
/// their offsets and none is skipped (offsets that have none are passed over); what
/// live pages know was committed before.
struct partition_state_data {
  static inline const char* name = "partition";

  /// What is kept of a row while it is applied.
  struct row_page {
    uint32_t page = 0; ///< Index in in_flight_pages.
    int64_t at_us = 0;
    int64_t received_at_us = 0;
  };

  /// A person's wish to go on without the records before an offset.
  struct skip_ask {
    int64_t to;
    caf::typed_response_promise<partition_reply> promise;
  };

  /// In a cluster, the claim that OWNERSHIP gave.
  struct leased_claim {
    int64_t epoch = 0;      ///< 0: it has none.
    bool releasing = false; ///< It is given away when the apply under way has ended.
    int64_t applied_us = 0; ///< When the last apply was sent that was answered with it.
  };

  struct waiter {
    int64_t offset;
    uint64_t ticket;
    caf::strong_actor_ptr from;
  };

  partition_config config;
  wiring nodes;

  // Every message about a claim carries its number; older ones are ignored.
  model::partition_progress progress;
  uint64_t incarnation = 0; // Of the store that it claimed in, and all its pages are of.
  bool is_untold = true;    // The cache may lack what was applied, until the next claim.

  // The log: what is known of it, and what it is compared with when it was looked at.
  partition_claim claimed; // While `running` is false.
  model::known_log known;  // next_offset and mark move along with what is applied.
  model::known_log asked;  // As it was when the log was asked.
  log_mark newest;         // The same, also when an older one is asked for.
  log_mark agreed;         // Of the last look: the log held it.
  uint32_t agreed_generation = 0;
  bool looking = false;
  bool is_doubted = false; // It seemed too short once.
  log_mark in_flight_mark;
  std::optional<skip_ask> skip;

  // The apply under way.
  std::vector<row_page> in_flight_rows;     // For each row of the apply.
  std::vector<std::string> in_flight_pages; // "site NUL page", each once.
  std::vector<uint32_t> in_flight_homes;    // The partitions that they live in.
  std::vector<int64_t> in_flight_offsets;   // The same.
  int64_t applied_at_us = 0;                // By the clock of arrivals.
  int64_t sent_at_us = 0;                   // Steady.

  // Fold.
  int64_t fold_sent_us = 0;    // Steady.
  int64_t asks_kept_at_us = 0; // Steady: when a tick comes that tells the log what to keep.

  // Pages.
  std::shared_ptr<const page_rules> rules;
  model::page_table pages;
  std::vector<page_aggregator_actor> aggregators; // By slot of the table.
  int64_t loading_as_of_us = 0;
  bool sweep_set = false;

  /// Who is active; it holds what was applied below the offset.
  struct {
    model::active_visitors visitors;
    uint64_t incarnation = 0;
    int64_t next_offset = -1;
  } active;

  leased_claim lease;
  std::deque<waiter> waiters;
  bool asking_progress = false; ///< For the waiters, as another node applies.
};

/// The state, for people.
std::vector<state_field> describe(const partition_state_data& st);

using partition_ptr = observed_actor<partition_actor, partition_state_data>*;

/// Before its first message.
void begin(partition_ptr self, partition_config config);
/// Tells all who read it how far the partition is.
void show(partition_ptr self);

partition_actor::behavior_type partition(partition_ptr self, partition_config config);

} // namespace footfall
