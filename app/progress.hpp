#pragma once

#include <chrono>
#include <cstdint>

namespace footfall::app {

/// How far a long command is, on standard error: a bar that is drawn again on a
/// terminal, a line every few seconds elsewhere.
class progress {
public:
  /// `bytes_total` 0: not known.
  explicit progress(uint64_t bytes_total);

  /// Cheap enough to be called for every line.
  void show(uint64_t bytes, uint64_t events);

  /// How long events wait to be counted; shown while it is a second or more.
  void show_lag(std::chrono::seconds lag) {
    lag_ = lag;
    show(bytes_, events_);
  }

  /// Leaves the last state standing. Further calls show nothing.
  void finish();

private:
  void draw();

  bool is_terminal_;
  bool is_drawn_ = false;
  bool is_finished_ = false;
  uint64_t bytes_total_;
  uint64_t bytes_ = 0;
  uint64_t events_ = 0;
  std::chrono::seconds lag_{0};
  std::chrono::steady_clock::time_point next_;
};

} // namespace footfall::app
