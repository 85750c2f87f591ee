#pragma once

#include <cstdint>
#include <functional>

namespace footfall {

/// UTC microseconds since 1970. The only way to learn the wall time; tests move it.
/// Any thread.
using now_fn = std::function<int64_t()>;

/// The system's clock.
int64_t system_now_us();

} // namespace footfall
