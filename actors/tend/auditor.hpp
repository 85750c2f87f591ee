#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "actors/interfaces.hpp"
#include "actors/tend/node_status.hpp"
#include "actors/tend/observed.hpp"

namespace footfall {

struct auditor_config {
  event_log* log = nullptr; ///< These outlive the actor.
  store* events = nullptr;
  node_status* status = nullptr;
  size_t sample = 100; ///< Live pages of a partition that are looked at unless all are.
  std::chrono::seconds patience{10}; ///< For a partition to know what the store holds.
};

/// One audit at a time: the store with itself, then with the log and with what the
/// partitions know, then live pages with the store.
///
/// A live page is held between two snapshots of the store. What the first has, the page
/// must have, since its partition is waited for; what the page has, the second must have.
/// When the clicks are the same, all else must be too.
struct auditor_state {
  static inline const char* name = "auditor";

  struct run {
    static constexpr size_t differences_max = 1'000;
    void differs(std::string table, std::string key, int64_t expected, int64_t found);

    caf::typed_response_promise<audit_reply> promise;
    audit_ask ask;
    uint64_t incarnation = 0;
    audit_reply reply;
    std::deque<std::pair<uint32_t, std::string>> pages; ///< To be looked at, with their homes.
    uint64_t live = 0;
    uint64_t compared = 0;
    uint64_t bounded = 0; ///< Of them, those that went on meanwhile.
    size_t open = 0;      ///< Answers that are waited for in this step.
    bool saw_log = false; ///< It said what it holds, of some partition.

    // The pages that are looked at now.
    std::vector<std::pair<uint32_t, std::string>> some;
    std::vector<page_load> loads;
    std::vector<position> reached;
    std::vector<std::pair<std::string, uint64_t>> ahead; ///< Pages that had more clicks.
  };

  auditor_config config;
  wiring nodes;
  uint64_t number = 0; ///< Of the run, or of its last step; older answers are ignored.
  std::unique_ptr<run> now;
};

using auditor_ptr = observed_actor<auditor_actor, auditor_state>*;

/// Answers the audit with what was found.
void finish_audit(auditor_ptr self);

auditor_actor::behavior_type auditor(auditor_ptr self, auditor_config config);

} // namespace footfall
