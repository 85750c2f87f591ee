#pragma once

#include <cstdint>
#include <string>

#include <caf/expected.hpp>

#include "actors/ports/store.hpp"
#include "db/postgres/connection.hpp"

namespace footfall::postgres {

/// Session settings of the connection that folds.
const char* fold_session();

/// Moves a partition's folded_offset and adds the rows between to the aggregates.
caf::expected<fold_result> fold(connection& c, const std::string& topic, int32_t topic_no,
                                uint32_t partition, int64_t from, int64_t until);

} // namespace footfall::postgres
