#include "app/import/interrupt.hpp"

#include <csignal>

namespace footfall::app {

namespace {

volatile std::sig_atomic_t interrupted = 0;

void remember(int) {
  interrupted = 1;
}

} // namespace

void catch_interrupts() {
  struct sigaction action {};
  action.sa_handler = remember;
  // Without SA_RESTART, so that a wait for more input ends.
  action.sa_flags = SA_RESETHAND;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

bool is_interrupted() noexcept {
  return interrupted != 0;
}

} // namespace footfall::app
