#pragma once

#include "tests/contract/rigs.hpp"

namespace footfall::test {

std::unique_ptr<log_rig> make_sqlite_log_rig();

} // namespace footfall::test
