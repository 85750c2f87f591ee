#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include <absl/container/flat_hash_set.h>

namespace footfall::model {

/// What came up lately, by hash, in two generations: bounded, and one more costs the same
/// whatever came before. Two things with one hash are taken for the same.
class recent {
public:
  /// Remembers the newest `most` at least, twice as many at most.
  explicit recent(size_t most = 1) : most_(most) {}

  /// Notes it. @returns whether it was there already.
  bool note(uint64_t hash) {
    if (!young_.insert(hash).second)
      return true;
    const bool known = old_.contains(hash);
    if (young_.size() >= most_) {
      old_ = std::move(young_);
      young_ = {};
    }
    return known;
  }

private:
  size_t most_;
  absl::flat_hash_set<uint64_t> young_;
  absl::flat_hash_set<uint64_t> old_;
};

} // namespace footfall::model
