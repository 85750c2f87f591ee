#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include <caf/error.hpp>

namespace footfall::sqlite {

class store_writer;

struct write_weight {
  size_t rows = 0;
  int64_t oldest_us = 0;       ///< Of the rows: when the first arrived.
  bool outlives_power = false; ///< The answer waits for that: the log cannot make it again.
  bool is_fold = false;
};

/// A change that waits: `work` inside a transaction, then `answer` with none, or with why
/// it did not happen.
struct write_call {
  std::function<void(store_writer&)> work;
  std::function<void(const caf::error&)> answer;
  write_weight weight;
};

/// Rows of a transaction, unless one batch has more.
inline constexpr size_t turn_rows_max = 8'000;

/// Takes from `waiting` what goes into the next transaction: all that has no rows, but for one
/// fold at most (each may take as long as many applies, and nobody waits for it), the call whose
/// oldest row waits longest, and as many others as fit beside it into `rows_max`, those that wait
/// longest first. What is small fits always: it costs little, and would wait for a whole turn. The
/// rest stays in `waiting`.
std::vector<write_call> take_turn(std::vector<write_call>& waiting, size_t rows_max);

} // namespace footfall::sqlite
