#pragma once

#include <atomic>

namespace footfall {

namespace detail {
/// Whether FOOTFALL_FAILPOINT was set when the process started, or a hook is.
extern std::atomic<bool> has_failpoint;
void pass_failpoint(const char* name) noexcept;
} // namespace detail

/// A hook of the crash tests: kills the process as a power cut would (SIGKILL) when
/// the environment variable FOOTFALL_FAILPOINT is `name`, or at the N-th passage when
/// it is `name:N`. With `name~MS` every passage takes so many milliseconds more instead:
/// something slow. Without the variable this is one branch that is never taken.
/// Any thread. The names in use stand in tests/system: test_kill.py,
/// test_service_kill.py, test_bad_events.py and test_lag_limit.py.
inline void failpoint(const char* name) noexcept {
  if (detail::has_failpoint.load(std::memory_order_relaxed)) [[unlikely]]
    detail::pass_failpoint(name);
}

/// For tests in one process: what is called at every failpoint from now on, on the
/// thread that passes it; null for nothing.
void set_failpoint_hook(void (*hook)(const char* name)) noexcept;

} // namespace footfall
