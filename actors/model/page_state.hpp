#pragma once

#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "proto/page.hpp"

namespace footfall::model {

/// The minute since 1970 that a time falls into.
constexpr int32_t minute_of(int64_t at_us) noexcept {
  return static_cast<int32_t>(at_us / 60'000'000);
}

/// The live, committed counts of one page. Filled from the store once, then from
/// what applies returned after their commit; never from anything else.
///
/// Batches that the loaded snapshot holds already are told by their position and
/// skipped, so loading and applying may overlap in any order.
class page_state {
public:
  /// Takes over a snapshot: `reached` says which batches it includes.
  void load(page_load snapshot, const std::vector<position>& reached);

  /// Adds a committed batch. Before load() it is kept and added then.
  /// @param now_us bounds what the minute ring keeps.
  /// @returns the users whose counts changed, with the new counts; empty when
  /// nothing changed or users are not kept.
  std::vector<std::pair<int32_t, uint64_t>> apply(const page_delta& delta, int64_t now_us);

  /// The partition has applied up to `reached`, without clicks of this page.
  void advance(const position& reached);

  /// Gives the maps of users and types up (a limit was reached): only the store knows
  /// the counts by user and by type then.
  void forget_details();

  /// Where it differs from a snapshot of the store with as many clicks; nothing is said
  /// of another one.
  std::vector<audit_difference> differences(const page_load& stored) const;

  bool loaded() const noexcept { return loaded_; }
  bool detailed() const noexcept { return detailed_; }
  /// Whether last_hour() is complete: minutes that were dated far ahead and dropped may
  /// have come near by now.
  bool hour_known(int64_t now_us) const noexcept { return minute_of(now_us) < minutes_end_; }
  uint64_t clicks() const noexcept { return clicks_; }
  uint64_t users() const noexcept { return user_clicks_.size(); }
  int32_t page_no() const noexcept { return page_no_; }
  int64_t last_at_us() const noexcept { return last_at_us_; }
  const std::vector<position>& reached() const noexcept { return reached_; }
  /// The limits::named_types types with the lowest numbers, in order. A type that is
  /// left out stays out: the numbers before it can only become more.
  const std::vector<numbered_count>& by_type() const noexcept { return by_type_; }
  size_t waiting_batches() const noexcept { return early_.size(); }

  uint64_t clicks_of(int32_t user_no) const;

  /// Clicks of the 60 minutes that end with the running one, oldest first.
  std::vector<uint64_t> last_hour(int64_t now_us) const;

  /// The users with the most clicks, limit + 1 of them, and all that tie with the
  /// last: whoever knows the names puts ties in their order. Sorted by clicks.
  std::vector<numbered_count> top_users(uint32_t limit) const;

private:
  bool includes(const page_delta& delta) const;
  void add(const page_delta& delta, int64_t now_us,
           std::vector<std::pair<int32_t, uint64_t>>* changed);
  void add_minute(int32_t minute, uint32_t clicks, int32_t oldest);
  void add_type(int32_t type_no);

  bool loaded_ = false;
  bool detailed_ = true;
  int32_t page_no_ = 0;
  uint64_t clicks_ = 0;
  int64_t last_at_us_ = 0;
  std::vector<position> reached_;
  std::vector<numbered_count> by_type_;
  std::vector<std::pair<int32_t, uint32_t>> minutes_;         // Sorted by minute.
  int32_t minutes_end_ = std::numeric_limits<int32_t>::max(); // From here on some are missing.
  absl::flat_hash_map<int32_t, uint32_t> user_clicks_;
  std::vector<page_delta> early_;
};

} // namespace footfall::model
