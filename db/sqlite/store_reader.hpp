#pragma once

#include <string>
#include <vector>

#include "actors/ports/store.hpp"
#include "db/sqlite/numbers.hpp"
#include "db/sqlite/pair_blocks.hpp"
#include "db/sqlite/store_tail.hpp"

namespace footfall::sqlite {

/// The answers of store.db: aggregates plus what is not folded or merged yet. One
/// thread; all calls between begin() and end() see one snapshot; throws `failure`.
class store_reader {
public:
  store_reader(connection& on, const std::string& log, const late_counts& late);

  void begin();
  void end() noexcept;

  const std::vector<position>& reached() const { return reached_; }
  std::vector<pair_count> counts(const std::vector<pair_key>& keys);
  std::vector<page_load> load(const std::vector<page_key>& keys, int32_t first_minute,
                              uint32_t users_max);
  std::vector<named_count> top_pages(const std::string& site_id, int64_t from_us, int64_t to_us,
                                     uint32_t limit);
  std::vector<series_point> minutes(const page_key& key, int64_t from_us, int64_t to_us);
  std::vector<named_count> top_users(const page_key& key, uint32_t limit);
  std::vector<std::string> user_names(const std::vector<int32_t>& of);
  std::vector<std::string> type_names(const std::vector<int32_t>& of);
  std::vector<partition_state> progress();
  bad_event_page bad_events(const bad_events_ask& ask);

private:
  struct totals {
    uint64_t clicks = 0;
    uint64_t users = 0;
    int64_t last_at_us = 0;
  };
  using numbered = std::vector<std::pair<uint64_t, int32_t>>; ///< clicks, number

  using tail_counts = absl::flat_hash_map<int32_t, uint64_t>; ///< By number.

  int32_t page_number(const page_key& key);
  totals totals_of(int32_t page_no);
  uint64_t new_users_of(int32_t page_no);
  page_load load_one(const page_key& key, int32_t first_minute, uint32_t users_max);
  void load_users(page_load& to);
  tail_counts tail_pages_of(int32_t site_no);
  numbered pages_of_site(int32_t site_no, size_t most, const tail_counts& tail);
  numbered pages_of_site(int32_t site_no, int64_t first_minute, int64_t end_minute);
  static void add_first_by_name(numbered& out, uint64_t clicks, size_t most,
                                const tail_counts& tail, statement& by_name);
  static void name_first_ties(numbered& counts, numbered::iterator ties, size_t most,
                              const tail_counts& tail, statement& by_name);
  void name_first_users(numbered& counts, numbered::iterator ties, size_t most, int32_t site_no);
  static std::vector<named_count> named(numbered counts, size_t most, statement& name);

  connection& on_;
  const std::string log_;
  all_numbers numbers_;
  store_tail tail_;
  pair_blocks pairs_;
  std::vector<position> reached_;
  statement begin_, progress_, topic_no_;
  statement totals_, types_, page_minutes_;
  statement site_pages_, tied_pages_, users_by_name_, site_range_, page_series_, site_series_;
  statement page_name_, user_name_, type_name_, bad_;
};

} // namespace footfall::sqlite
