#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include <caf/actor_system.hpp>

#include "actors/node.hpp"
#include "db/memory/memory_cache.hpp"
#include "tests/support/forgetful_disk.hpp"

namespace footfall::test {

/// From here on what is opened runs with synchronous=OFF, or as the program says.
void switch_syncs_off(bool off);

/// From here on the log drops what is applied before the store has synced it, or not.
void switch_early_drops(bool on);

/// An embedded node on real threads, with its files in one folder.
class cut_node {
public:
  explicit cut_node(const std::string& folder);
  ~cut_node();

  node& door() { return *door_; }
  /// Waits until all that the log holds is applied and folded. @returns empty, or what is
  /// wrong with it after 20 seconds.
  std::string settle();
  /// Empty, or what its audit finds.
  std::string audit();

private:
  caf::actor_system_config config_;
  std::unique_ptr<caf::actor_system> system_;
  metrics counts_;
  std::unique_ptr<event_log> log_;
  std::unique_ptr<store> events_;
  memory_cache values_;
  std::unique_ptr<node> door_;
};

/// What was posted, and what was acknowledged.
class cut_ledger {
public:
  void post(const std::vector<click_event>& events);
  void acknowledge(const ingest_reply& reply);
  std::set<std::string> acknowledged() const;
  std::set<std::string> posted() const;

private:
  mutable std::mutex mutex_;
  std::set<std::string> posted_, acknowledged_;
};

/// What was left of one cut, and what had been acknowledged before it.
struct power_cut {
  forgetful_disk::image left;
  std::set<std::string> acknowledged;
};

struct cut_report {
  std::string fault; ///< Empty: all that was acknowledged is counted, once.
  size_t acknowledged = 0;
  size_t counted = 0;
  size_t lost = 0;
};

/// Starts a node on what a cut left and counts.
cut_report count_after(const power_cut& cut, const std::set<std::string>& posted);

} // namespace footfall::test
