#include "app/signals.hpp"

#include <csignal>
#include <ctime>

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

} // namespace

void take_ending_signals() {
  std::signal(SIGPIPE, SIG_IGN);
  pthread_sigmask(SIG_BLOCK, &ending_signals(), nullptr);
}

bool told_to_end(std::chrono::milliseconds most) {
  const timespec time{most.count() / 1000, most.count() % 1000 * 1'000'000};
  return sigtimedwait(&ending_signals(), nullptr, &time) > 0;
}

} // namespace footfall::app
