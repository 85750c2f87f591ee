#pragma once

#include <cstdlib>
#include <memory>

#include <catch2/catch.hpp>

#include "actors/ports/access_records.hpp"
#include "db/postgres/access_tables.hpp"
#include "db/sqlite/access_file.hpp"
#include "tests/contract/rigs_postgres.hpp"
#include "tests/contract/temporary_folder.hpp"

namespace footfall::test {

/// A place for keys of its own, empty at first.
class access_rig {
public:
  virtual ~access_rig() = default;
  virtual std::unique_ptr<access_records> open() = 0;
};

class file_rig final : public access_rig {
public:
  std::unique_ptr<access_records> open() override {
    auto out = open_sqlite_access(folder.path());
    REQUIRE(out);
    return std::move(*out);
  }
  temporary_folder folder;
};

class tables_rig final : public access_rig {
public:
  std::unique_ptr<access_records> open() override {
    auto out = open_postgres_access(database.url());
    REQUIRE(out);
    return std::move(*out);
  }
  scratch_database database{std::getenv("FOOTFALL_TEST_POSTGRES")};
};

template <class Test>
void with_each(Test test) {
  SECTION("access.db") {
    file_rig rig;
    test(rig);
  }
  if (!std::getenv("FOOTFALL_TEST_POSTGRES"))
    return; // As the other suites of it: the rigs say that it was not run.
  SECTION("PostgreSQL") {
    tables_rig rig;
    test(rig);
  }
}

} // namespace footfall::test
