#pragma once

#include "tests/contract/rigs.hpp"

namespace footfall::test {

/// `address` is host:port of a scratch Redis.
std::unique_ptr<cache_rig> make_redis_cache_rig(const std::string& address);

} // namespace footfall::test
