#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

/// What each fuzz program defines and libFuzzer calls: reads bytes that anybody may send, and
/// ends the process where a promise is broken.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace footfall::fuzz {

inline std::string_view text_of(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Ends the process unless it holds; the input that did it is written by whoever called.
inline void require(bool holds, const char* what, std::string_view detail = {}) {
  if (holds)
    return;
  std::fprintf(stderr, "broken: %s\n%s\n", what, std::string(detail).c_str());
  std::abort();
}

} // namespace footfall::fuzz
