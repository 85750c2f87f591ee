#include "app/signals.hpp"

#include <csignal>
#include <ctime>

#include <fcntl.h>
#include <unistd.h>

namespace footfall::app {

namespace {

// They are taken by sigtimedwait alone, so no handler runs. One that is blocked waits even
// when it is to be ignored, so that has to be asked before.
const sigset_t& ending_signals() {
  static const sigset_t all = [] {
    sigset_t out;
    sigemptyset(&out);
    for (int signal : {SIGTERM, SIGINT, SIGQUIT})
      sigaddset(&out, signal);
    struct sigaction now {};
    if (::sigaction(SIGHUP, nullptr, &now) == 0 && now.sa_handler != SIG_IGN)
      sigaddset(&out, SIGHUP);
    return out;
  }();
  return all;
}

bool has_terminal() {
  const int terminal = ::open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);
  return terminal >= 0 && ::close(terminal) == 0;
}

} // namespace

void take_ending_signals(bool reads_again) {
  std::signal(SIGPIPE, SIG_IGN);
  if (reads_again && !has_terminal())
    std::signal(SIGHUP, SIG_IGN);
  pthread_sigmask(SIG_BLOCK, &ending_signals(), nullptr);
}

bool told_to_end(std::chrono::milliseconds most) {
  const timespec time{most.count() / 1000, most.count() % 1000 * 1'000'000};
  return sigtimedwait(&ending_signals(), nullptr, &time) > 0;
}

} // namespace footfall::app
