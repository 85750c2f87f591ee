#pragma once

#include <catch2/catch.hpp>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>

namespace footfall::test {

/// The number that a test draws its chances from: FOOTFALL_SEED, or a new one.
inline uint32_t new_seed() {
  if (const char* given = std::getenv("FOOTFALL_SEED"))
    return static_cast<uint32_t>(std::strtoul(given, nullptr, 10));
  return std::random_device{}();
}

/// The command that runs a test with this seed once more, for a failure's message.
inline std::string repeated_by(uint32_t seed) {
  return "repeat it: FOOTFALL_SEED=" + std::to_string(seed) + " " + program_invocation_name + " \""
         + Catch::getResultCapture().getCurrentTestName() + "\"";
}

} // namespace footfall::test
