#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "net/http/exchange.hpp"

namespace footfall::explorer {

/// Posts events as HTTP clients do: through the endpoint that the server has, without its
/// sockets.
class front_door {
public:
  /// The status line's number, and what the actors had said of each event.
  using posted = std::function<void(unsigned, const ingest_reply&)>;

  explicit front_door(request_handler& behind)
      : endpoint_(http::make_ingest_endpoint(behind)),
        queue_(std::make_shared<http::completion_queue>([] {})) {}
  ~front_door() { queue_->close(); }

  void post(const std::vector<click_event>& events, posted done);

  /// Answers the requests that the actors have answered.
  void turn();

private:
  struct open_request {
    http::request in;
    http::exchange exchange;
    std::string out;
    posted done;
  };

  metrics counters_;
  std::unique_ptr<http::endpoint> endpoint_;
  std::shared_ptr<http::completion_queue> queue_;
  std::map<uint64_t, open_request> open_;
  std::vector<http::completion> taken_;
  uint64_t next_ = 1;
};

} // namespace footfall::explorer
