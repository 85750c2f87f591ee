#pragma once

#include <vector>

namespace footfall {

/// One step of a schema, as cmake/EmbedSql.cmake puts it into the program.
/// Steps are never changed once released; a change is a further step.
struct migration {
  int version = 0;       ///< Counts from 1 without gaps.
  const char* name = ""; ///< "0001-core"
  const char* sql = "";
};

} // namespace footfall
