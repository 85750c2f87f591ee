#include "db/sqlite/migrate.hpp"

#include <sqlite3.h>

namespace footfall::sqlite {

void migrate(connection& on, const std::string& file, int64_t application_id,
             const std::vector<migration>& all) {
  const int64_t version = on.value("PRAGMA user_version");
  const int newest = all.empty() ? 0 : all.back().version;
  if (version > newest)
    throw failure(SQLITE_NOTADB, file + " was written by a newer version of footfall (schema "
                                     + std::to_string(version) + ", this one knows "
                                     + std::to_string(newest) + ")");
  for (const auto& step : all) {
    if (step.version <= version)
      continue;
    on.run("BEGIN IMMEDIATE");
    try {
      on.run(step.sql);
      on.run(("PRAGMA application_id=" + std::to_string(application_id)).c_str());
      on.run(("PRAGMA user_version=" + std::to_string(step.version)).c_str());
      on.run("COMMIT");
    } catch (const failure& error) {
      on.roll_back();
      throw failure(error.code(), file + ", migration " + step.name + ": " + error.what());
    }
  }
}

} // namespace footfall::sqlite
