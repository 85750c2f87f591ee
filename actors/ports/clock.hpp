#pragma once

#include <cstdint>
#include <functional>

namespace footfall {

/// UTC microseconds since 1970. The only way to learn the wall time; tests move it.
/// Any thread.
using now_fn = std::function<int64_t()>;

/// The system's clock. It can be set, also back: it tells when something was, and not how
/// long something takes.
int64_t system_now_us();

/// Microseconds that only pass, since nobody knows when: for durations and deadlines.
int64_t steady_now();

} // namespace footfall
