#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "actors/ports/metrics.hpp"

namespace footfall::http {

/// What is counted in each bucket of a duration_histogram.
using bucket_counts = std::array<uint64_t, duration_histogram::buckets>;

bucket_counts counts_of(const duration_histogram& x);

/// The bucket that so many of 1,000 durations reach, the last one that has a bound standing for
/// longer ones too; -1 when there are none.
int quantile(const bucket_counts& counts, uint64_t of_1000);

/// Appends the bound of a bucket in milliseconds, null for -1.
void append_bound(std::string& out, int bucket);

/// What the node did in each of the last seconds: whoever looks now sees ten minutes. One thread.
class system_history {
public:
  static constexpr uint32_t seconds_most = 600;

  /// `counts` outlives it.
  explicit system_history(const metrics& counts);

  /// Some times a second. A second in which it was not called is null in all columns, and what
  /// was done in it stands in the next.
  void tick(int64_t now_us);

  /// The last `seconds` that are over, as one JSON object of columns; no more than there are.
  std::string render(uint32_t seconds) const;

private:
  static constexpr size_t columns = 9;
  using counted = std::array<uint64_t, columns>;
  struct sample {
    bool is_known = false;
    counted done{};
    int8_t freshness_50 = -1, freshness_99 = -1, append_99 = -1; ///< Buckets.
  };

  counted look() const;

  const metrics& counts_;
  std::vector<sample> ring_; ///< By second, modulo its size.
  int64_t first_s_ = 0;      ///< The first second that is told, once last_s_ is.
  int64_t last_s_ = -1;      ///< -1: none is over.
  int64_t now_s_ = -1;
  counted seen_{};
  bucket_counts freshness_{}, append_{};
};

} // namespace footfall::http
