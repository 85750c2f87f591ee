#pragma once

#include <map>
#include <string>
#include <utility>

#include "actors/ports/clock.hpp"
#include "db/memory/memory_store.hpp"

namespace footfall::explorer {

using place = std::pair<uint32_t, int64_t>; ///< Partition and offset.

/// A store that keeps aggregates as those on disk do: a fold adds the rows between two
/// offsets to them, and readers add the rows that are not folded yet. What it counts so it
/// answers; the rest (claims, compare and set, event ids, numbers) is the memory store's.
/// Answers before the call returns.
///
/// The bugs of the SQL adapters (tests/broken) are mirrored here, under their names.
class folded_store final : public store {
public:
  /// An event that was counted.
  struct row {
    int32_t page_no = 0;
    int32_t user_no = 0;
    int32_t type_no = 0;
    event_row event;
  };

  explicit folded_store(now_fn now) : now_us_(std::move(now)) {}

  void claim(uint32_t partition, done<partition_claim> reply) override;
  void claim(lease_claim by, done<partition_claim> reply) override;
  leases& nodes() override { return inner_.nodes(); }
  void adopt(uint32_t partition, int64_t epoch, std::string log_id, done<bool> reply) override;
  void begin_generation(std::vector<int64_t> starts, std::string log_id,
                        done<uint32_t> reply) override;
  void apply(apply_request batch, done<apply_result> reply) override;
  void fold(uint32_t partition, int64_t from, int64_t until, done<fold_result> reply) override;
  void read_counts(std::vector<pair_key> keys, done<snapshot<pair_count>> reply) override;
  void load_pages(std::vector<page_key> keys, int32_t first_minute, uint32_t users_max,
                  done<snapshot<page_load>> reply) override;
  void top_pages(std::string site_id, int64_t from_us, int64_t to_us, uint32_t limit,
                 done<snapshot<named_count>> reply) override;
  void minutes(page_key key, int64_t from_us, int64_t to_us,
               done<snapshot<series_point>> reply) override;
  void top_users(page_key key, uint32_t limit, done<snapshot<named_count>> reply) override;
  void user_names(std::string site_id, std::vector<int32_t> numbers,
                  done<snapshot<std::string>> reply) override;
  void type_names(std::string site_id, std::vector<int32_t> numbers,
                  done<snapshot<std::string>> reply) override;
  void audit(done<std::vector<audit_difference>> reply) override;
  void audit_page(page_key key, done<page_recount> reply) override;
  void progress(done<std::vector<partition_state>> reply) override;
  void bad_events(bad_events_ask ask, done<bad_event_page> reply) override;
  void mark_redriven(std::vector<redriven> rows, done<uint64_t> reply) override;
  uint64_t incarnation() const override { return inner_.incarnation(); }
  void on_renewal(renewal tell) override { inner_.on_renewal(std::move(tell)); }
  const std::string& identity() const override { return inner_.identity(); }
  std::string health() const override { return {}; }

  void keep();
  void go_back();

  /// What the run is held against: each counted event by the place of its record.
  const std::map<place, row>& rows() const { return now_.rows; }
  /// By partition, as it is just now.
  std::vector<partition_state> states();
  std::vector<bad_event> all_bad();

private:
  using pair_no = std::pair<int32_t, int32_t>;
  using page_minute = std::pair<int32_t, int64_t>;

  struct aggregates {
    std::map<int32_t, uint64_t> totals;
    std::map<pair_no, uint64_t> pairs;
    std::map<pair_no, uint64_t> types;
    std::map<page_minute, uint64_t> minutes;
    void add(const row& x, int64_t at_us);
  };
  struct data {
    std::map<place, row> rows;
    std::map<uint32_t, int64_t> folded;
    std::map<int32_t, std::pair<std::string, std::string>> pages; ///< Site and page.
    std::map<std::pair<std::string, std::string>, int32_t> users; ///< By site and name.
    aggregates counts;
  };

  /// The aggregates and the rows that are not folded: what readers are told.
  aggregates with_tail() const;
  void note_applied(const apply_request& batch, const apply_result& result);
  void drop_known_ids(apply_request& batch, std::vector<uint32_t>& kept) const;
  void add_folded(uint32_t partition, int64_t from, int64_t until, fold_result& out);
  static void compare(const aggregates& expected, const aggregates& found,
                      std::vector<audit_difference>& out);

  const now_fn now_us_;
  memory_store inner_;
  data now_;
  data kept_;
};

} // namespace footfall::explorer
