#pragma once

#include "tests/nodes/clients.hpp"

namespace footfall::nodes {

/// The hand that breaks things, as the seed says, and mends them after a while.
class faults {
public:
  faults(world& on, clients& load) : on_(on), load_(load) {}

  void break_something();
  /// All that is broken is mended at once; nodes that are away come back, or not.
  void heal();

private:
  void cut_link();
  void hold_link();
  void fail_dials();
  void stop_node();
  void come_back(const std::string& name);
  void harm_store();
  void kill_actor();
  void freeze_node();
  void kill(process& x);

  world& on_;
  clients& load_;
  uint64_t heals_ = 0; ///< What is to be mended later is so already when this has risen.
};

} // namespace footfall::nodes
