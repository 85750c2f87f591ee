#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/explorer/truth.hpp"
#include "tests/explorer/world.hpp"

namespace footfall::explorer {

/// Clients, other producers, and the hand that breaks things: one step after the other, as
/// the seed says.
class workload {
public:
  explicit workload(world& on);

  void run();
  /// All faults have ended: waits until everybody is answered and all is applied and folded.
  void settle();
  /// Asks and waits, once all faults have ended.
  query_answer ask_now(query_ask ask);
  truth& known() { return truth_; }

private:
  struct open_post {
    std::vector<click_event> events;
    bool is_open = true;
  };
  struct open_question {
    truth::question asked;
    bool is_open = true;
  };
  struct watch {
    std::shared_ptr<void> token;
    std::shared_ptr<open_question> about;
  };

  void step();
  void post();
  void answered(open_post& x, unsigned status, const ingest_reply& reply);
  void ask();
  query_ask draw_question();
  void start_watch();
  void produce();
  void break_something();
  void restart(bool by_crash);
  void let_store_go_back();
  click_event new_click();
  click_event again(click_event x);
  bool is_settled();
  void all_is_unknown();

  world& on_;
  truth truth_;
  std::vector<click_event> sent_;
  std::vector<std::shared_ptr<open_post>> posts_;
  std::vector<std::shared_ptr<open_question>> questions_;
  std::vector<watch> watches_;
  size_t next_id_ = 0;
  bool is_kept_ = false; ///< The store has something to go back to.
};

} // namespace footfall::explorer
