#pragma once

#include <catch2/catch.hpp>

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <sqlite3.h>

#include "tests/contract/store_calls.hpp"

/// The files of an embedded store, behind its back.
namespace footfall::test {

/// Changes a database. @returns the first column of the last row, 0 without one.
inline int64_t run_sql(const std::string& file, const std::string& sql) {
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(file.c_str(), &db) == SQLITE_OK);
  int64_t out = 0;
  const int result = sqlite3_exec(
      db, sql.c_str(),
      [](void* to, int, char** values, char**) {
        *static_cast<int64_t*>(to) = values[0] ? std::strtoll(values[0], nullptr, 10) : 0;
        return 0;
      },
      &out, nullptr);
  INFO(sql << ": " << sqlite3_errmsg(db));
  CHECK(result == SQLITE_OK);
  sqlite3_close(db);
  return out;
}

inline std::vector<std::string> runs_in(const std::string& folder) {
  std::vector<std::string> out;
  for (const auto& x : std::filesystem::directory_iterator(folder))
    if (x.path().extension() == ".run")
      out.push_back(x.path().string());
  return out;
}

/// Until a run has the ids of all that was applied: transactions go on meanwhile.
inline void move_ids_to_runs(store& db, const std::string& folder) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{10};
  while (run_sql(folder + "/store.db",
                 "SELECT count(*) = 0 OR count(*) > count(i.complete) FROM partition_progress p"
                 " LEFT JOIN core_topics t USING (topic) LEFT JOIN core_id_progress i"
                 " ON i.slice = (t.topic_no << 10 | p.part) AND i.complete = p.next_offset"
                 " WHERE p.next_offset > 0")
         != 0) {
    REQUIRE(std::chrono::steady_clock::now() < end);
    REQUIRE(claim(db, 1));
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
}

/// Until all that was folded is merged.
inline void merge_all_of(const std::string& folder) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{10};
  while (run_sql(folder + "/store.db", "SELECT count(*) FROM core_late_rows") != 0) {
    REQUIRE(std::chrono::steady_clock::now() < end);
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
}

} // namespace footfall::test
