#pragma once

#include "tests/nodes/faults.hpp"

namespace footfall::nodes {

/// One run: clients and faults, then peace, then everything is held against what clients did
/// and were told. What is not so is wrong in the world's history.
class scene {
public:
  explicit scene(uint64_t seed) : here(seed), load_(here), faults_(here, load_) {}

  void play();

  world here;

private:
  void run();
  void wait(int64_t us);
  void settle();
  std::string unsettled(); ///< What is still to come; empty: nothing.
  std::string unsettled_partitions();
  void check_store();
  void check_actors();
  void check_answers();
  uint64_t field_of(process& of, const std::string& actor, const std::string& field);

  clients load_;
  faults faults_;
};

} // namespace footfall::nodes
