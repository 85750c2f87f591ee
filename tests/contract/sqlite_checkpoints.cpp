// The WALs of the embedded log and store are synced and copied beside the commits.
#include <catch2/catch.hpp>

#include <chrono>
#include <filesystem>
#include <thread>

#include "db/sqlite/sqlite_log.hpp"
#include "db/sqlite/sqlite_store.hpp"
#include "tests/contract/failing_disk.hpp"
#include "tests/contract/store_calls.hpp"
#include "tests/contract/temporary_folder.hpp"

using namespace footfall;
using namespace footfall::test;
using namespace std::chrono_literals;

namespace {

constexpr int few_pages = 100;

std::unique_ptr<store> store_in(const std::string& folder) {
  sqlite_store::config settings;
  settings.folder = folder;
  settings.checkpoint_pages = few_pages;
  settings.log_keeps_rest = true;
  auto db = sqlite_store::open(settings);
  if (!db)
    FAIL(text_of(db.error()));
  return std::move(*db);
}

/// One click; the partition stands behind it afterwards.
void apply_one(store& db, int64_t epoch, int64_t offset) {
  const auto name = std::to_string(offset);
  auto done = apply(db, batch(0, epoch, offset, offset + 1, {row(offset, name, "/p" + name, "u")}));
  REQUIRE(done);
  REQUIRE(done->moved);
}

bool becomes(int64_t wanted, store& db, std::chrono::seconds most) {
  const auto end = std::chrono::steady_clock::now() + most;
  while (db.kept_below(0, wanted) != wanted) {
    if (std::chrono::steady_clock::now() > end)
      return false;
    std::this_thread::sleep_for(10ms);
  }
  return true;
}

/// How large a WAL becomes while commits follow each other.
template <class Commit>
uintmax_t greatest(const std::string& wal, int commits, Commit commit) {
  uintmax_t out = 0;
  for (int i = 0; i < commits; ++i) {
    commit(i);
    out = std::max(out, std::filesystem::file_size(wal));
  }
  return out;
}

} // namespace

TEST_CASE("what a store has synced the log need not keep", "[contract][sqlite][checkpoint]") {
  temporary_folder folder;
  auto db = store_in(folder.path());
  const auto epoch = claim(*db, 0)->epoch;
  CHECK(db->kept_below(0, 1) == 0);
  apply_one(*db, epoch, 0);
  CHECK(becomes(1, *db, 5s)); // Nothing is committed any more.
  apply_one(*db, epoch, 1);
  CHECK(db->kept_below(0, 2) == 1);
  CHECK(becomes(2, *db, 5s));

  SECTION("after a start that is what it finds, once it was synced again") {
    db.reset();
    db = store_in(folder.path());
    CHECK(db->kept_below(0, 2) == 0);
    REQUIRE(claim(*db, 0)->next_offset == 2);
    CHECK(becomes(2, *db, 5s));
  }
  SECTION("another log begins with nothing") {
    const auto made = ask<uint32_t>([&](auto done) { db->begin_generation({0}, "next", done); });
    REQUIRE(made);
    CHECK(db->kept_below(0, 2) == 0);
  }
}

TEST_CASE("after a sync that failed the log keeps all", "[contract][sqlite][checkpoint]") {
  temporary_folder folder;
  failing_disk disk;
  auto db = store_in(folder.path());
  const auto epoch = claim(*db, 0)->epoch;
  apply_one(*db, epoch, 0);
  REQUIRE(becomes(1, *db, 5s));
  apply_one(*db, epoch, 1);
  failing_disk::sync_fails = true;
  for (int i = 0; i < 500 && db->health().empty(); ++i)
    std::this_thread::sleep_for(10ms);
  failing_disk::sync_fails = false;
  CHECK(db->health().find("the event log keeps all") != std::string::npos);
  apply_one(*db, epoch, 2);
  CHECK_FALSE(db->health().empty()); // It stays so.
  std::this_thread::sleep_for(3s);
  CHECK(db->kept_below(0, 3) == 1); // The next sync works, and says nothing of what was lost.
}

TEST_CASE("what the log cannot give again is synced before it is answered",
          "[contract][sqlite][checkpoint]") {
  temporary_folder folder;
  failing_disk disk;
  auto db = store_in(folder.path());
  const auto epoch = claim(*db, 0)->epoch;
  failing_disk::sync_fails = true;
  CHECK_FALSE(ask<bool>([&](auto done) { db->adopt(0, epoch, "mine", done); }));
  CHECK_FALSE(apply(*db, batch(0, epoch, 0, 3, {}, {{0, day_us, "skipped by a person", "raw"}})));
  failing_disk::sync_fails = false;
}

TEST_CASE("a store whose log keeps nothing more syncs each commit",
          "[contract][sqlite][checkpoint]") {
  temporary_folder folder;
  failing_disk disk;
  sqlite_store::config settings;
  settings.folder = folder.path();
  auto db = sqlite_store::open(settings);
  REQUIRE(db);
  const auto epoch = claim(**db, 0)->epoch;
  apply_one(**db, epoch, 0);
  CHECK((*db)->kept_below(0, 1) == 1);
  failing_disk::sync_fails = true;
  CHECK_FALSE(apply(**db, batch(0, epoch, 1, 2, {row(1, "1", "/p", "u")})));
  failing_disk::sync_fails = false;
}

TEST_CASE("a WAL empties while commits go on", "[contract][sqlite][checkpoint]") {
  temporary_folder folder;
  constexpr uintmax_t page = 4'096 + 24;
  SECTION("of the store") { // An apply writes six pages and more.
    auto db = store_in(folder.path());
    const auto epoch = claim(*db, 0)->epoch;
    const auto most = greatest(folder.path() + "/store.db-wal", 3'000, [&](int i) {
      apply_one(*db, epoch, i);
      std::this_thread::sleep_for(200us);
    });
    CHECK(most > few_pages * page);
    CHECK(most < 9'000 * page);
  }
  SECTION("of the log") { // An append writes five pages.
    sqlite_log::config settings;
    settings.folder = folder.path();
    settings.checkpoint_pages = few_pages;
    auto log = sqlite_log::open(settings);
    REQUIRE(log);
    const auto most = greatest(folder.path() + "/log.db-wal", 1'500, [&](int) {
      answer<std::vector<append_outcome>> reply;
      (*log)->append({{0, "page", std::string(10'000, 'x')}}, reply.callback());
      REQUIRE(reply.get().at(0).status == outcome::accepted);
    });
    CHECK(most > few_pages * page);
    CHECK(most < 3'750 * page);
  }
}
