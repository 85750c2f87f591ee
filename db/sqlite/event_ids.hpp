#pragma once

#include <vector>

#include "actors/ports/store.hpp"
#include "db/sqlite/database.hpp"

namespace footfall::sqlite {

/// What makes (event_key, site) unique in the store: core_event_ids and
/// core_event_id_clashes. One thread; inside its transaction; throws `failure`.
class event_ids {
public:
  /// One row of a batch, in order.
  struct candidate {
    const event_row* row = nullptr;
    int32_t site_no = 0;
    int64_t position = 0;
    bool is_fresh = false;    ///< Set by admit: the id was not there.
    bool is_conflict = false; ///< Set by admit: it was, with another payload.
  };

  explicit event_ids(connection& on);

  /// Takes the ids of a batch in: of equal ones the first position is fresh.
  /// The rows of earlier batches must be in core_events, those of this one not yet.
  void admit(std::vector<candidate>& batch);

private:
  struct stored {
    bool is_same = false;
    int32_t payload_hash = 0;
  };
  void admit_one(candidate& x, int64_t hash, const std::vector<candidate>& batch);
  stored compare(const candidate& x, int64_t position, const std::vector<candidate>& batch);

  connection& on_;
  statement insert_;
  statement find_;
  statement row_;
  statement insert_clash_;
  statement find_clash_;
  std::vector<std::pair<int64_t, uint32_t>> order_;
};

} // namespace footfall::sqlite
