#pragma once

#include "tests/contract/rigs.hpp"

namespace footfall::test {

std::unique_ptr<log_rig> make_sqlite_log_rig();
std::unique_ptr<store_rig> make_sqlite_store_rig();

} // namespace footfall::test
