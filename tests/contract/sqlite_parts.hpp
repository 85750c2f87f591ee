#pragma once

#include <optional>
#include <string>

#include "db/sqlite/migrate.hpp"
#include "db/sqlite/store_reader.hpp"
#include "db/sqlite/store_writer.hpp"

namespace footfall::test {

using namespace footfall::sqlite;

inline connection::options usual() {
  connection::options out;
  out.application_id = store_application_id;
  return out;
}

/// The parts of a store in one thread: what is done between which others is the test's choice.
struct parts {
  explicit parts(const std::string& folder, merger::config merges = {})
      : file(folder + "/store.db"), on(file, usual()), reading(file, usual()), maker(folder) {
    migrate(on, file, store_application_id, sqlite_store_schema());
    writer.emplace(on, maker, late, "clicks", event_ids::config{"store", 1'000, 64, {}, {}},
                   merges);
    reader.emplace(reading, "clicks", late);
  }

  template <class Work>
  void turn(Work work, bool is_kept = true) {
    writer->before_all();
    on.run("BEGIN IMMEDIATE");
    work(*writer);
    writer->finish();
    on.run(is_kept ? "COMMIT" : "ROLLBACK");
    if (is_kept)
      writer->committed();
    else
      writer->rolled_back();
  }
  bool merge(size_t pairs, bool is_kept = true) {
    const bool is_due = writer->merge_due(true) > 0;
    if (is_due)
      turn([&](store_writer& x) { x.merge(pairs); }, is_kept);
    return is_due;
  }
  void merge_all() {
    while (merge(1'000)) {
    }
  }

  const std::string file;
  late_counts late;
  connection on;
  connection reading;
  run_maker maker;
  std::optional<store_writer> writer;
  std::optional<store_reader> reader;
};

} // namespace footfall::test
