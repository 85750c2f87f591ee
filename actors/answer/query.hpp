#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include "actors/interfaces.hpp"
#include "actors/model/generations.hpp"
#include "actors/model/site_names.hpp"
#include "actors/ports/clock.hpp"
#include "actors/ports/metrics.hpp"
#include "actors/ports/trace_log.hpp"
#include "actors/tend/node_status.hpp"
#include "actors/tend/observed.hpp"
#include "actors/tend/outcome_note.hpp"

namespace footfall {

struct query_config {
  store* events = nullptr; ///< Outlives the actor.
  metrics* counts = nullptr;
  const node_status* status = nullptr; ///< Outlives the actor.
  now_fn now;
  now_fn steady = steady_now; ///< Of deadlines and waits.
  std::string node; ///< Its name in a cluster, where not all pages are here; empty: alone.
  std::shared_ptr<outcome_note> reads;        ///< How the store's reads go; may be missing.
  std::chrono::milliseconds after_wait{2000}; ///< How long Footfall-After may wait.
  size_t open_max = 20'000;                   ///< Queries under way.
  trace_log* traces = nullptr;                ///< Outlives the actor.
};

/// Invariant: each open query is answered exactly once (a watch: until unwatched), from
/// answers of one incarnation of the store.
struct query_state {
  static inline const char* name = "query";

  struct asker {
    uint64_t ticket = 0;
    caf::strong_actor_ptr from;
    int64_t sent_us = 0; ///< As in query_ask.
    int64_t came_us = 0; ///< By the steady clock; only of what another node sent.
    trace_context trace = {};
  };

  /// What partitions said so far of who is active.
  struct active_gathering {
    uint32_t tries = 0; ///< So often it was asked since somebody said something.
    int64_t asked_us = 0;
    int64_t as_of_us = 0;                                 ///< The answer is no fresher.
    std::set<uint32_t> missing;                           ///< Partitions.
    std::map<uint32_t, caf::strong_actor_ptr> first_said; ///< Whose word counts.
    std::vector<int32_t> users;                           ///< Some more than once.
    std::vector<active_page> pages;
    uint64_t all_pages = 0;
    int64_t missing_s = 0;
    query_answer answer;
  };

  struct open_query {
    query_ask ask;
    std::vector<asker> askers; ///< More than one: identical queries, merged.
    std::string merge_key;     ///< Empty: not merged.
    bool waits = false;        ///< For the end of an identical one that was begun before.
    uint64_t begun_turn = 0;   ///< Nobody joins it in a later turn; 0: it waits.
    uint32_t awaiting = 0;     ///< Partitions that have not reached `ask.after`.
    int64_t await_until_us = 0;
    bool too_late = false; ///< Now only asks how far they are.
    bool watch = false;
    int32_t user_no = 0;
    int64_t read_us = 0;             ///< When its reading began, on the steady clock.
    std::vector<position> confirmed; ///< `ask.after`, or more, as the partitions said.
    bool again = false;              ///< Runs again at the next tick.
    int64_t page_asked_us = 0;       ///< A partition was asked then, and has said nothing yet.
    uint64_t reading = 0;            ///< The read that it waits for; answers of others are void.
    bool page_wanted = false;        ///< Its page waits to be read,
    bool alone = false;              ///< and by itself.
    bool read_again = false;         ///< A watch: the page changed while it was read.
    uint64_t told_clicks = 0;        ///< A watch: the most that was found.
    query_answer answer;             ///< Waits for names.
    std::vector<int32_t> numbers;    ///< Of answer.rows.
    std::shared_ptr<active_gathering> active;
  };

  query_config config;
  wiring nodes;
  page_routes routes; ///< In a cluster.
  uint64_t next_ticket = 1;
  absl::flat_hash_map<uint64_t, open_query> open;
  absl::flat_hash_map<std::string, uint64_t> merged; ///< Of identical ones the last.
  uint64_t turn = 1;                                 ///< Counts the messages that were handled.
  std::vector<uint64_t> may_begin;                   ///< What they waited for has ended.
  bool tick_set = false;
  absl::flat_hash_set<caf::strong_actor_ptr> watchers; ///< GATEWAYs; they are monitored.

  std::deque<uint64_t> page_wanted;  ///< Questions, the oldest first; some may not be any more.
  std::deque<uint64_t> page_watched; ///< The same of watches.
  bool watches_first = false;        ///< In the last read of pages.

  // What this turn gathered; sent at its end, one message for each receiver.
  std::vector<uint64_t> lookups;
  std::vector<uint64_t> count_wanted;
  std::map<uint32_t, std::vector<page_ask>> page_asks; ///< By partition.
  std::vector<std::pair<caf::strong_actor_ptr, std::vector<query_answer>>> answers;
  std::vector<cache_fill> fills;

  // Lookups under way, by number.
  struct lookup_batch {
    std::vector<uint64_t> ids;
    int64_t until_us = 0; ///< Counts as missed then.
  };
  uint64_t next_lookup = 1;
  absl::flat_hash_map<uint64_t, lookup_batch> looked_up;

  // Reads of the store under way, by batch number.
  struct read_batch {
    std::vector<uint64_t> ids;
    bool counts = false;           ///< A merged read of counts.
    size_t questions = 0;          ///< Of ids, those that are no watches.
    std::vector<uint32_t> places;  ///< A merged read of whole pages: which is that of each id.
    std::vector<int64_t> as_of_us; ///< For each id, as it was when the read began.
  };
  uint64_t next_batch = 1;
  absl::flat_hash_map<uint64_t, read_batch> reads;
  size_t count_reads = 0, page_reads = 0;
  size_t pages_read = 0; ///< Questions that these are for.

  // Numbers and names, as the store gave them in this incarnation. Texts never change
  // their number within one, so nothing goes stale.
  static constexpr size_t known_max = 200'000; ///< Of each kind, for all sites together.
  uint64_t incarnation = 0;
  model::known_numbers user_numbers{known_max}; ///< "site NUL user"
  model::site_names user_names{known_max};
  model::site_names type_names{known_max};
  /// By page: how far its partition was applied when the store gave a count of it last. What memory
  /// knows may be behind that for a moment, and would take back what was told.
  static constexpr size_t told_max = 10'000;
  model::generations<absl::flat_hash_map<std::string, int64_t>> told_by_store{told_max};
};

using query_ptr = observed_actor<query_actor, query_state>*;

query_actor::behavior_type query(query_ptr self, query_config config);

} // namespace footfall
