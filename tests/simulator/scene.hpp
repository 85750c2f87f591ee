#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/simulator/process.hpp"

namespace footfall::simulator {

/// One run: some nodes and a store, up to 45 s of what goes wrong, then 30 s of peace, at whose
/// end all must be as it should.
class scene {
public:
  scene(uint64_t seed, bool is_told);
  void play();

  world here;

private:
  enum class plot : uint8_t {
    rough,       ///< Anything, at once.
    store_only,  ///< It hangs and crashes; nothing else fails, so nothing may move.
    reconnects,  ///< Connections end and are made anew at once; nothing may move.
    log_for_all, ///< No node reads the log for a while; nothing may move.
    one_by_one   ///< A node dies, and comes back: no more moves than that needs.
  };

  std::shared_ptr<process> begin(const std::string& node);
  std::shared_ptr<process> running(const std::string& node) const;
  std::shared_ptr<process> any_running();
  bool is_anybody(const std::string& node) const;
  void tell_peers(const std::string& node, int64_t least_us, int64_t most_us);

  void play_rough();
  void one_fault(fault x);
  void cut(const std::shared_ptr<process>& x, fault how, int64_t lasts_us);
  void play_store_only();
  void play_reconnects();
  void play_log_for_all();
  void play_one_by_one();
  void make_peace();

  void check_still(const char* why);
  void check_one_by_one(size_t had, uint64_t moves_before, bool is_back);
  void check_end(const std::vector<int64_t>& reached);
  void check_progress(const std::vector<int64_t>& reached);
  void check_processes();
  void check_owners();
  void check_shares(const std::map<std::string, size_t>& shares);
  std::vector<int64_t> epochs() const;
  std::vector<int64_t> progress() const;

  model::ownership_rules rules_;
  plot plot_;
  lease_store store_;
  surroundings around_;
  std::vector<std::string> nodes_;
  std::map<std::string, bool> aggregates_;
  std::vector<std::shared_ptr<process>> processes_; ///< In the order of their start.
  std::string without_log_;                         ///< The node that stays so to the end.
  bool is_peace_ = false;
};

} // namespace footfall::simulator
