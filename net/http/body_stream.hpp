#pragma once

#include <functional>
#include <string>

namespace footfall::http {

/// A body that goes on for as long as both sides want it. Lives on its listener's thread.
class body_stream {
public:
  virtual ~body_stream() = default;

  /// Appends all that there is to send now, or nothing. Asked only when what came before is
  /// sent, so that a slow reader gets the newest state and costs nothing more.
  virtual void take(std::string& out) = 0;

  /// Nothing follows what take() gave.
  virtual bool is_over() const = 0;

  /// The server drains: say so and end.
  virtual void end() = 0;

  /// Has the connection ask again. Set by it; may be called when it has ended.
  std::function<void()> wake = [] {};
};

} // namespace footfall::http
