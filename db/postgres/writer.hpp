#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <caf/expected.hpp>

#include "actors/ports/store.hpp"
#include "db/postgres/connection.hpp"
#include "db/postgres/generations.hpp"
#include "db/postgres/numbers.hpp"

namespace footfall::postgres {

/// A batch on its way into the store, and what became of it.
struct apply_work {
  apply_request batch;
  apply_result out;
  caf::error failure; ///< Set: `out` holds nothing, and the batch may have been applied.
  std::vector<row_numbers> numbers; ///< Of each row of the batch.
};

/// Claims partitions and applies batches on one connection: what a takeover
/// terminates is exactly the connection that applies. Serves one thread.
class writer {
public:
  explicit writer(known_generation& now) : now_(now) {}

  /// @param above the new epoch is higher than this one
  /// @param by set: a claim with a lease, which may be refused
  caf::expected<partition_claim> claim(connection& c, uint32_t partition, int64_t above = 0,
                                       const lease_claim* by = nullptr);
  caf::expected<bool> adopt(connection& c, uint32_t partition, int64_t epoch,
                            const std::string& log_id);
  /// Applies batches of different partitions in one statement. One that is not ours
  /// any more, or that the store refuses, does not hold up the others.
  void apply(connection& c, std::vector<apply_work>& batches);

  /// Session settings of the connection. Its joins all go from a few given keys
  /// into an index, also where the planner has not seen the tables yet.
  static const char* session();

private:
  struct slice;
  struct sorted_rows;
  using slices = std::vector<slice>;

  bool own(connection& c, apply_work& x);
  void step(connection& c, const slices& parts);
  void split(connection& c, const slices& parts, const result& why);
  void halve(connection& c, const slice& part, const result& why);
  result send(connection& c, const slices& parts, bool plain);
  void take(const slices& parts, const result& answer);
  static std::pair<size_t, size_t> find(const slices& parts, int64_t position);
  void count_conflicts(connection& c, apply_work& x);

  known_generation& now_;
  numbers numbers_;
  std::map<uint32_t, uint64_t> owned_; ///< Connection generation that each was claimed on.
  unsigned clean_ = 0;                 ///< Statements since the last duplicate.
  /// Rows of the last statement, by slice and row: the first of each id in its slice.
  std::vector<std::pair<uint32_t, uint32_t>> sent_;
};

} // namespace footfall::postgres
