#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/ports/cache.hpp"
#include "actors/ports/event_log.hpp"
#include "actors/ports/store.hpp"

/// How the contract suites get the things they test. An adapter takes part by one
/// line in rigs.cpp; one that needs a server reads its address from the environment
/// and is not run when that is unset (the run says so).
namespace footfall::test {

/// One event log of its own, empty at first, gone with the rig.
class log_rig {
public:
  virtual ~log_rig() = default;
  /// Opens the log, made with four partitions. One at a time.
  virtual std::unique_ptr<event_log> open() = 0;
  /// True when open() again finds what an earlier one stored.
  virtual bool keeps_data() const { return true; }
  /// Drops the applied records below `below`, perhaps a little later. False when
  /// the log keeps to a retention of its own.
  virtual bool trim(event_log& log, uint32_t partition, int64_t below) {
    log.applied(partition, below);
    return true;
  }
  /// Leaves offsets without a record at the end of a partition. False when the log has
  /// no such thing.
  virtual bool leave_hole(event_log&, uint32_t) { return false; }
  /// An append of more records than this is overload; 0: not known.
  virtual size_t batch_records_max() const { return 0; }
};

/// One store of its own, empty at first, gone with the rig.
class store_rig {
public:
  virtual ~store_rig() = default;
  /// Opens the store, or opens it once more: two owners may share one.
  virtual std::unique_ptr<store> open() = 0;
  virtual bool keeps_data() const { return true; }
  /// True when two open stores may share the data.
  virtual bool is_shared() const { return false; }
  /// Calls of one kind that may wait; 0: calls never wait.
  virtual size_t waiting_max() const { return 0; }
  /// Remembers what is stored; go_back() then loses all that came since, under the open
  /// store. False when nothing can do that to it.
  virtual bool keep() { return false; }
  virtual void go_back() {}
};

/// One cache of its own, empty at first, on a clock that the test moves.
class cache_rig {
public:
  virtual ~cache_rig() = default;
  virtual std::unique_ptr<cache> open() = 0;
  /// Lets time pass for entries. False when time cannot be moved.
  virtual bool advance_time(int64_t us) = 0;
  virtual int64_t ttl_us() const = 0;
  /// Waits until fills and advances given so far are done.
  virtual void settle(cache&) {}
};

template <class Rig>
struct rig_maker {
  std::string name;
  std::function<std::unique_ptr<Rig>()> make;
};

const std::vector<rig_maker<log_rig>>& log_rigs();
const std::vector<rig_maker<store_rig>>& store_rigs();
const std::vector<rig_maker<cache_rig>>& cache_rigs();

} // namespace footfall::test

/// Runs what follows in the test case once for each adapter.
#define FOOTFALL_RIG(rig, rigs)                                                                    \
  const size_t rig##_index = GENERATE(range(size_t{0}, footfall::test::rigs().size()));            \
  const auto& rig##_maker = footfall::test::rigs()[rig##_index];                                   \
  INFO("adapter: " << rig##_maker.name);                                                           \
  const auto rig = rig##_maker.make()
