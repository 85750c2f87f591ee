#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "actors/ports/clock.hpp"
#include "actors/ports/metrics.hpp"
#include "proto/trace.hpp"

namespace footfall {

/// What one who works on a request tells of it.
struct trace_line {
  trace_context of;
  std::string_view who; ///< An actor, or the edge: "http", "grpc".
  std::string text;     ///< Nothing of the events or the question but their kind and number.
  bool failed = false;
};

/// "1.3 ms".
std::string milliseconds_text(int64_t us);

/// Takes what is told of requests to the log of the node: of those that their clients have traced,
/// and of those that failed by no fault of their clients. At most `lines_a_second` of each, so that
/// who asks for many hides no failure; more is counted. Any thread; does not block.
class trace_log {
public:
  static constexpr int64_t lines_a_second = 50;
  static constexpr int64_t burst = 200; ///< Lines that may come at once.

  /// What the log takes at all.
  enum class level : uint8_t { all, failures, nothing };

  trace_log(std::function<void(const trace_line&)> to, counter& left_out, level tells = level::all,
            now_fn steady = steady_now)
      : to_(std::move(to)), left_out_(left_out), tells_(tells), steady_(std::move(steady)) {}

  /// `text` is called when the line is written.
  template <class Text>
  void tell(const trace_context& of, std::string_view who, Text text) {
    if (of.sampled && tells_ == level::all && has_room(traced_until_us_))
      to_({of, who, text(), false});
  }
  /// Of any request.
  template <class Text>
  void tell_failure(const trace_context& of, std::string_view who, Text text) {
    if (tells_ != level::nothing && has_room(failed_until_us_))
      to_({of, who, text(), true});
  }

private:
  bool has_room(std::atomic<int64_t>& until_us);

  std::function<void(const trace_line&)> to_;
  counter& left_out_;
  const level tells_;
  now_fn steady_;
  // GCRA: when all that was written has made room again.
  std::atomic<int64_t> traced_until_us_{0};
  std::atomic<int64_t> failed_until_us_{0};
};

} // namespace footfall
