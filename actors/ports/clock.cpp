#include "actors/ports/clock.hpp"

#include <chrono>
#include <cstdlib>

namespace footfall {

namespace {

// For tests of clocks that are wrong (docs/hacking.md): libfaketime stops threads of this program.
int64_t offset_us() {
  static const int64_t out = [] {
    const char* seconds = std::getenv("FOOTFALL_CLOCK_OFFSET_S");
    return seconds ? std::atoll(seconds) * 1'000'000 : 0;
  }();
  return out;
}

} // namespace

int64_t system_now_us() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count() + offset_us();
}

int64_t steady_now() {
  using namespace std::chrono;
  return duration_cast<microseconds>(steady_clock::now().time_since_epoch()).count();
}

} // namespace footfall
