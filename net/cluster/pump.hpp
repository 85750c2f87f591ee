#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/ports/link_counters.hpp"
#include "net/cluster/wire.hpp"

namespace footfall::cluster {

/// One open link: carries bytes between a wire and a loopback connection, each way by one
/// buffer that is written out before it is filled again. So a side that does not read stops the
/// other, and nothing grows. Lives on its tunnel's thread.
class pump : public std::enable_shared_from_this<pump> {
public:
  using clock = std::chrono::steady_clock;
  using ended_fn = std::function<void(const std::string& why)>;

  pump(std::unique_ptr<wire> outer, tcp::socket inner, size_t buffer_bytes, link_counters& counters,
       ended_fn ended)
      : outer_(std::move(outer)), inner_(std::move(inner)), buffer_bytes_(buffer_bytes),
        counters_(counters), ended_(std::move(ended)) {}

  void start();

  /// Closes both connections. Only the first call counts.
  void stop(const std::string& why);

  /// Ends a link of which one side has closed for longer than `linger`, while the other does
  /// not come to its end. Called every now and then.
  void look(clock::time_point now, clock::duration linger);

private:
  struct direction {
    std::vector<char> buffer;
    bool writes = false; ///< What stands in the buffer is not written yet.
    clock::time_point since{};
    bool done = false;
  };
  void read_inner();
  void read_outer();
  void side_ended(direction& way, tcp::socket& other, const char* who, const error_code& ec);

  std::unique_ptr<wire> outer_;
  tcp::socket inner_;
  size_t buffer_bytes_;
  link_counters& counters_;
  ended_fn ended_;
  direction out_; ///< From inner to outer.
  direction in_;
  bool stopped_ = false;
  std::string why_;             ///< What ended first.
  clock::time_point closing_{}; ///< Since when one direction is done.
};

} // namespace footfall::cluster
