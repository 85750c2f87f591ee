#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "app/client_http.hpp"
#include "app/import/applied_watch.hpp"
#include "app/import/tally.hpp"
#include "app/progress.hpp"
#include "proto/event.hpp"

namespace footfall::app {

/// Gathers events and posts them in batches, each again until every event is final.
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
  /// Sends what is gathered, and waits a little for what becomes of all that was sent.
  bool finish();
  /// Sends it if it has waited for long.
  bool flush_old(steady_clock::time_point now);

  int exit_code() const noexcept { return exit_code_; }

private:
  struct waiting_line {
    line_place where;
    std::string text; ///< Only when refused lines are kept.
    std::string header;
  };

  bool wait_before_retry(const client_answer& answer);
  /// Counts what is final and keeps the rest, to be sent again.
  void read_results(const client_answer& answer);

  std::unique_ptr<client_http> client_;
  std::string target_ = "/v1/events";
  const std::chrono::seconds patience_;
  tally& counts_;
  progress& bar_;
  applied_watch watch_;
  std::string body_;
  std::vector<waiting_line> lines_; ///< Of the events in body_.
  steady_clock::time_point oldest_{};
  bool was_reached_ = false;
  steady_clock::time_point trouble_since_{};
  std::chrono::milliseconds pause_{0};
  int exit_code_ = 0;
};

} // namespace footfall::app
