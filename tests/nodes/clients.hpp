#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/nodes/truth.hpp"

namespace footfall::nodes {

/// Who posts to the nodes, asks them and watches pages, and what they were told.
class clients {
public:
  explicit clients(world& on) : on_(on), truth_(on) {}

  void post(process& at);
  void ask(process& at);
  void start_watch(process& at);
  void stop_watch();

  /// To be called as time passes: requests that should have been answered by now.
  void look_for_late();
  /// Nothing will answer what was asked of it.
  void forget(const process& of);
  /// After its end everybody has been answered.
  void check_ended(const process& of);

  /// Asks and waits, once all faults have ended.
  query_answer ask_now(process& at, query_ask ask);
  size_t open_at(const process& at) const; ///< Posts and questions.
  size_t watches_at(const process& at) const;
  /// Whether each was told what is counted; wrong if it is not.
  bool are_told(bool must);
  const truth& known() const { return truth_; }

private:
  struct open_request {
    process* at = nullptr;
    int64_t since_us = 0;
    int64_t frozen_us = 0; ///< Of the process, at that time.
    std::string text;
    bool is_open = true;
    bool is_void = false; ///< The process was killed.
    std::vector<click_event> events;
    truth::question asked;
  };
  struct open_watch {
    std::shared_ptr<open_request> about;
    std::shared_ptr<void> token;
    uint64_t query_ends = 0; ///< Of the process, when it began.
    uint64_t told = 0;
    bool has_update = false;
    bool is_closed = false; ///< By the client.
  };
  using request_ptr = std::shared_ptr<open_request>;
  using watch_ptr = std::shared_ptr<open_watch>;

  request_ptr open(process& at, std::string text);
  bool answered(open_request& x);
  void take_post(open_request& x, const ingest_reply& reply);
  void take_update(open_watch& x, const query_answer& answer);
  click_event draw_click();
  query_ask draw_question();

  world& on_;
  truth truth_;
  std::vector<click_event> sent_;
  std::vector<request_ptr> requests_;
  std::vector<watch_ptr> watches_;
  size_t next_id_ = 0;
};

} // namespace footfall::nodes
