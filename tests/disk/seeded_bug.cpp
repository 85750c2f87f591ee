#include "proto/seeded_bug.hpp"

#include <atomic>
#include <cstring>

#include "tests/disk/cut_node.hpp"

namespace {

std::atomic<bool> drops_too_early{false};

} // namespace

namespace footfall {

void test::switch_early_drops(bool on) {
  drops_too_early = on;
}

bool seeded_bug(const char* name) noexcept {
  return drops_too_early && std::strcmp(name, "disk-trim-unsynced") == 0;
}

} // namespace footfall
