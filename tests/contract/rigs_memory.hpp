#pragma once

#include "tests/contract/rigs.hpp"

namespace footfall::test {

std::unique_ptr<log_rig> make_memory_log_rig();
std::unique_ptr<store_rig> make_memory_store_rig();
std::unique_ptr<cache_rig> make_memory_cache_rig();

} // namespace footfall::test
