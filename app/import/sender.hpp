#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/client_http.hpp"
#include "app/import/applied_watch.hpp"
#include "app/import/tally.hpp"
#include "app/progress.hpp"
#include "proto/event.hpp"

namespace footfall::app {

/// Gathers events and posts them in batches, each again until every event is final. Events
/// of a stopped partition do not hold up the others: some are set aside, and tried again
/// now and then and at the end.
class sender {
public:
  using steady_clock = std::chrono::steady_clock;

  sender(std::unique_ptr<client_http> client, const std::string& site, uint32_t patience_s,
         tally& counts, progress& bar);

  /// False: the import ends here; exit_code() says why.
  bool add(const line_place& where, const click_event& event, const std::string& line,
           const std::string& header);
  /// Sends what is gathered.
  bool flush();
  /// Sends what is gathered and what was set aside, unless the import has ended early, and
  /// waits a little for what becomes of all that was sent. Counts what was not.
  void finish();
  /// Sends it if it has waited for long.
  bool flush_old(steady_clock::time_point now);

  int exit_code() const noexcept { return exit_code_; }

private:
  struct waiting_line {
    line_place where;
    std::string text; ///< Only when refused lines are kept.
    std::string header;
  };

  struct event_answer;
  struct waiting_event {
    waiting_line line;
    std::string text;
  };

  bool has_room() const noexcept;
  bool wait_before_retry(const client_answer& answer);
  void explain(const client_answer& answer);
  /// Counts what is final and keeps the rest, to be sent again.
  void read_results(const client_answer& answer);
  void settle(const event_answer& answer, waiting_line& line, std::string_view event);
  bool set_aside(waiting_line& line, std::string_view event);
  /// As many of those set aside as the batch has room for, when it is time to try.
  void take_back();

  std::unique_ptr<client_http> client_;
  std::string target_ = "/v1/events";
  const std::chrono::seconds patience_;
  tally& counts_;
  progress& bar_;
  applied_watch watch_;
  std::string body_;
  std::vector<waiting_line> lines_; ///< Of the events in body_.
  std::deque<waiting_event> aside_; ///< Their partition is stopped.
  size_t aside_bytes_ = 0;
  steady_clock::time_point aside_tried_{};
  bool is_last_try_ = false;
  std::string reason_; ///< Why an event is to be sent again.
  steady_clock::time_point oldest_{};
  bool was_reached_ = false;
  bool is_answering_ = false;
  steady_clock::time_point trouble_since_{};
  std::chrono::milliseconds pause_{0};
  int exit_code_ = 0;
};

} // namespace footfall::app
