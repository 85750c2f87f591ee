#include "app/progress.hpp"

#include <algorithm>
#include <cstdio>
#include <string>

#include <unistd.h>

namespace footfall::app {

namespace {
constexpr std::chrono::milliseconds between_frames{100};
constexpr std::chrono::seconds between_lines{5};
constexpr unsigned bar_width = 30;
} // namespace

progress::progress(uint64_t bytes_total)
    : is_terminal_(isatty(STDERR_FILENO) == 1), bytes_total_(bytes_total),
      next_(std::chrono::steady_clock::now()) {
  if (!is_terminal_)
    next_ += between_lines;
}

void progress::show(uint64_t bytes, uint64_t events) {
  bytes_ = bytes;
  events_ = events;
  const auto now = std::chrono::steady_clock::now();
  if (is_finished_ || now < next_)
    return;
  if (is_terminal_)
    next_ = now + between_frames;
  else
    next_ = now + between_lines;
  draw();
}

void progress::finish() {
  if (!is_finished_ && is_terminal_ && is_drawn_) {
    draw();
    std::fputc('\n', stderr);
  }
  is_finished_ = true;
}

void progress::draw() {
  is_drawn_ = true;
  const auto events = static_cast<unsigned long long>(events_);
  std::string lag;
  if (lag_.count() > 0)
    lag = ", counted " + std::to_string(lag_.count()) + " s later";
  const char* const to_the_end = is_terminal_ ? "\x1b[K" : "\n"; // A longer line may stand there.
  if (bytes_total_ == 0) {
    std::fprintf(stderr, is_terminal_ ? "\r%llu events%s%s" : "%llu events%s%s", events,
                 lag.c_str(), to_the_end);
  } else {
    const double part =
        std::min(1.0, static_cast<double>(bytes_) / static_cast<double>(bytes_total_));
    const auto filled = static_cast<unsigned>(part * bar_width);
    const auto bar = std::string(filled, '#') + std::string(bar_width - filled, '.');
    std::fprintf(
        stderr, is_terminal_ ? "\r[%s] %3.0f %%  %llu events%s%s" : "[%s] %.0f %%, %llu events%s%s",
        bar.c_str(), part * 100, events, lag.c_str(), to_the_end);
  }
  std::fflush(stderr);
}

} // namespace footfall::app
