#pragma once

namespace footfall {

/// Whether this process was started with the bug `name`, for the tests that prove that
/// the checker of the fault tests notices it. Only the program of tests/broken, which
/// defines FOOTFALL_SEEDED_BUGS, can be: anywhere else this is false while it compiles,
/// and nothing of it is in the program. Any thread.
#ifdef FOOTFALL_SEEDED_BUGS
bool seeded_bug(const char* name) noexcept;
#else
consteval bool seeded_bug(const char*) noexcept {
  return false;
}
#endif

} // namespace footfall
