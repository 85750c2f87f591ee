#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <mutex>

namespace footfall::sqlite {

/// How far what was applied outlives a loss of power, for each partition of the log. The writer
/// says what it committed, the checkpointer when it syncs; any thread asks.
class synced_offsets {
public:
  void committed(uint32_t partition, int64_t below) {
    std::lock_guard guard{lock_};
    auto& x = all_[partition];
    x.committed = std::max(x.committed, below);
  }

  void begin_sync() {
    std::lock_guard guard{lock_};
    for (auto& [partition, x] : all_)
      x.syncing = x.committed;
  }

  void synced() {
    std::lock_guard guard{lock_};
    for (auto& [partition, x] : all_)
      x.synced = x.syncing;
  }

  /// Another log begins, with offsets of its own.
  void forget() {
    std::lock_guard guard{lock_};
    all_.clear();
  }

  int64_t below(uint32_t partition) const {
    std::lock_guard guard{lock_};
    const auto at = all_.find(partition);
    return at == all_.end() ? 0 : at->second.synced;
  }

private:
  struct offsets {
    int64_t committed = 0, syncing = 0, synced = 0;
  };

  mutable std::mutex lock_;
  std::map<uint32_t, offsets> all_;
};

} // namespace footfall::sqlite
