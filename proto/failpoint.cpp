#include "proto/failpoint.hpp"

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include <unistd.h>

namespace footfall {

namespace {

struct armed_failpoint {
  std::string name;
  std::chrono::milliseconds pause{0}; ///< 0: it kills.
  std::atomic<long> passages_left{1};
};

/// What FOOTFALL_FAILPOINT says, read once.
armed_failpoint& armed() {
  static armed_failpoint out;
  static const bool is_read = [] {
    const char* text = std::getenv("FOOTFALL_FAILPOINT");
    out.name = text ? text : "";
    if (const auto tilde = out.name.find('~'); tilde != std::string::npos) {
      out.pause = std::chrono::milliseconds(std::strtol(out.name.c_str() + tilde + 1, nullptr, 10));
      out.name.resize(tilde);
    }
    if (const auto colon = out.name.find(':'); colon != std::string::npos) {
      out.passages_left = std::strtol(out.name.c_str() + colon + 1, nullptr, 10);
      out.name.resize(colon);
    }
    return true;
  }();
  static_cast<void>(is_read);
  return out;
}

std::atomic<void (*)(const char*)> test_hook{nullptr};

} // namespace

std::atomic<bool> detail::has_failpoint{!armed().name.empty()};

void set_failpoint_hook(void (*hook)(const char* name)) noexcept {
  test_hook = hook;
  detail::has_failpoint = hook || !armed().name.empty();
}

void detail::pass_failpoint(const char* name) noexcept {
  if (auto* hook = test_hook.load())
    hook(name);
  auto& point = armed();
  if (point.pause.count() > 0) {
    if (point.name == name)
      std::this_thread::sleep_for(point.pause);
    return;
  }
  if (point.name != name || point.passages_left.fetch_sub(1) != 1)
    return;
  std::fprintf(stderr, "footfall: FOOTFALL_FAILPOINT: the process ends at %s\n", name);
  ::kill(::getpid(), SIGKILL);
  // The signal may take a moment; what stands after this point must not happen.
  while (true)
    ::pause();
}

} // namespace footfall
