#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <caf/expected.hpp>

#include "actors/ports/store.hpp"
#include "db/postgres/connection.hpp"
#include "db/postgres/numbers.hpp"

namespace footfall::postgres {

/// Claims partitions and applies batches on one connection: what a takeover
/// terminates is exactly the connection that applies. Serves one thread.
class writer {
public:
  writer(std::string topic, int32_t topic_no);

  caf::expected<partition_claim> claim(connection& c, uint32_t partition);
  caf::expected<apply_result> apply(connection& c, const apply_request& batch);

  /// Session settings of the connection. Its joins all go from a few given keys
  /// into an index, also where the planner has not seen the tables yet.
  static const char* session();

private:
  struct range;
  struct sorted_rows;

  result claim_once(connection& c, uint32_t partition);
  result own(connection& c, const apply_request& batch, bool& mine);
  result step(connection& c, const apply_request& batch, const range& part, apply_result& out);
  result split(connection& c, const apply_request& batch, const range& part, apply_result& out,
               const result& why);
  result send(connection& c, const apply_request& batch, const range& part, bool plain);
  void take(const apply_request& batch, const range& part, const result& rows, apply_result& out);
  void count_conflicts(connection& c, const apply_request& batch, apply_result& out);

  std::string topic_;
  int64_t base_;
  numbers numbers_;
  std::vector<row_numbers> row_numbers_;
  std::vector<uint32_t> sent_;         ///< Rows of the last statement: the first of each id.
  std::map<uint32_t, uint64_t> owned_; ///< Connection generation that each was claimed on.
  unsigned clean_ = 0;                 ///< Batches since the last duplicate.
};

} // namespace footfall::postgres
