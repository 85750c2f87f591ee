#pragma once

#include <vector>

#include "db/schema/migration.hpp"
#include "db/sqlite/database.hpp"

namespace footfall {

/// Made from db/schema/sqlite, sqlite-log and sqlite-access when building.
const std::vector<migration>& sqlite_store_schema();
const std::vector<migration>& sqlite_log_schema();
const std::vector<migration>& sqlite_access_schema();

} // namespace footfall

namespace footfall::sqlite {

/// Says in each file whose it is (PRAGMA application_id).
inline constexpr int64_t store_application_id = 0x46466573;  // "FFes"
inline constexpr int64_t log_application_id = 0x46466c67;    // "FFlg"
inline constexpr int64_t access_application_id = 0x46466163; // "FFac"

/// Brings `file` to the newest version, each migration in a transaction of its
/// own. Throws `failure` when the file is newer than this program or
/// damaged; it is not changed then.
void migrate(connection& on, const std::string& file, int64_t application_id,
             const std::vector<migration>& all);

} // namespace footfall::sqlite
