#pragma once

#include <cstdint>

namespace footfall::model {

/// How long something has stood still although there was work for it.
class standstill {
public:
  /// @param position rises when it moves
  /// @returns for how long it has not, in microseconds; 0 without work
  int64_t heed(int64_t position, bool has_work, int64_t now_us) noexcept {
    if (!has_work || position != position_ || since_us_ == 0) {
      position_ = position;
      since_us_ = has_work ? now_us : 0;
    }
    return has_work ? now_us - since_us_ : 0;
  }

private:
  int64_t position_ = 0;
  int64_t since_us_ = 0; ///< 0: no work.
};

} // namespace footfall::model
