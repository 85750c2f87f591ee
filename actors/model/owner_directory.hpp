#pragma once

#include <cstdint>
#include <vector>

#include "proto/lease.hpp"

namespace footfall::model {

/// Who has which partition, as far as one node has heard: by the beats' answers, and sooner by
/// other nodes. It only says whom to ask; who may answer is another matter. One thread.
class owner_directory {
public:
  /// What was told and no beat has shown for so long is forgotten.
  static constexpr int64_t told_us = 3'000'000;
  static constexpr uint32_t most = 65'536; ///< Partitions; what lies beyond is ignored.

  /// All partitions, as the store has them.
  void take(const std::vector<partition_owner>& rows, int64_t now_us);

  /// Another node says so. @returns whether it was news.
  bool tell(const partition_owner& x, int64_t now_us);

  size_t size() const noexcept { return entries_.size(); }
  /// Nobody, if it has none or is not known.
  const owner_id& owner_of(uint32_t partition) const;

private:
  struct entry {
    owner_id owner;
    int64_t epoch = 0;
    int64_t told_us = 0; ///< When; 0: the store said so.
  };
  std::vector<entry> entries_;
};

} // namespace footfall::model
