#pragma once

#include <atomic>

/// A disk under SQLite that fails when a test says so. While one exists, every
/// database that is opened in this process stands on it.
namespace footfall::test {

class failing_disk {
public:
  failing_disk();
  ~failing_disk();
  failing_disk(const failing_disk&) = delete;
  failing_disk& operator=(const failing_disk&) = delete;

  static inline std::atomic<bool> is_full{false};       ///< Writes find no space.
  static inline std::atomic<bool> sync_fails{false};    ///< Writes work, fsync does not.
  static inline std::atomic<int> writes_until_full{-1}; ///< Full after so many; -1: never.
};

} // namespace footfall::test
