#pragma once

#include <cstddef>
#include <cstdint>

namespace footfall::explorer {

/// Everything that a run leaves to chance comes from one of these: the same seed gives the
/// same numbers with every compiler and library (splitmix64).
class chance {
public:
  explicit chance(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 1) {}

  uint64_t next() {
    uint64_t x = state_ += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
  }
  /// 0 <= x < n; n is above 0.
  size_t below(size_t n) { return static_cast<size_t>(next() % n); }
  int64_t until(int64_t most) { return static_cast<int64_t>(next() % (uint64_t(most) + 1)); }
  bool percent(uint32_t n) { return next() % 100 < n; }
  template <class List>
  const auto& of(const List& list) {
    return *(list.begin() + static_cast<std::ptrdiff_t>(below(list.size())));
  }

private:
  uint64_t state_;
};

} // namespace footfall::explorer
