#include <catch2/catch.hpp>

#include <algorithm>

#include <filesystem>
#include <fstream>

#include <sqlite3.h>

#include "db/sqlite/log_block.hpp"
#include "db/sqlite/sqlite_log.hpp"
#include "db/sqlite/sqlite_store.hpp"
#include "tests/contract/failing_disk.hpp"
#include "tests/contract/sqlite_files.hpp"
#include "tests/contract/store_calls.hpp"
#include "tests/contract/temporary_folder.hpp"

using namespace footfall;
using namespace footfall::test;

namespace {

std::unique_ptr<event_log> open_log(const std::string& folder) {
  sqlite_log::config settings;
  settings.folder = folder;
  settings.tail_bytes = 0; // Every fetch reads the file.
  auto log = sqlite_log::open(settings);
  if (!log)
    FAIL(text_of(log.error()));
  return std::move(*log);
}

std::unique_ptr<store> open_store(const std::string& folder, size_t recent_ids_max = 1) {
  sqlite_store::config settings;
  settings.recent_ids_max = recent_ids_max;
  settings.folder = folder;
  auto db = sqlite_store::open(settings);
  if (!db)
    FAIL(text_of(db.error()));
  return std::move(*db);
}

caf::error refusal_of_store(const std::string& folder) {
  sqlite_store::config settings;
  settings.folder = folder;
  auto db = sqlite_store::open(settings);
  return db ? caf::error{} : db.error();
}

caf::error refusal_of_log(const std::string& folder) {
  sqlite_log::config settings;
  settings.folder = folder;
  auto log = sqlite_log::open(settings);
  return log ? caf::error{} : log.error();
}

append_outcome append(event_log& log, const std::string& value) {
  answer<std::vector<append_outcome>> reply;
  log.append({{0, "page", value}}, reply.callback());
  return reply.get().at(0);
}

caf::expected<log_batch> fetch(event_log& log, int64_t from) {
  answer<caf::expected<log_batch>> reply;
  log.fetch(0, from, {}, reply.callback());
  return reply.get();
}

bool names(const caf::error& error, const std::string& part) {
  return text_of(error).find(part) != std::string::npos;
}

} // namespace

TEST_CASE("log block notices any change of a byte", "[contract][sqlite]") {
  sqlite::log_block block;
  block.open();
  block.first = 7;
  block.time_us = 5;
  block.add("one");
  block.add("");
  block.add("three");
  block.seal(2);
  sqlite::log_block out;
  REQUIRE(sqlite::read_block(2, 7, 3, 5, block.bytes, out));
  CHECK(out.record(9) == "three");
  CHECK_FALSE(sqlite::read_block(2, 8, 3, 5, block.bytes, out));
  CHECK_FALSE(sqlite::read_block(1, 7, 3, 5, block.bytes, out));
  CHECK_FALSE(sqlite::read_block(2, 7, 3, 6, block.bytes, out));
  for (size_t i = 0; i < block.bytes.size(); ++i) {
    auto bytes = block.bytes;
    bytes[i] = static_cast<char>(bytes[i] ^ 1);
    CHECK_FALSE(sqlite::read_block(2, 7, 3, 5, bytes, out));
    CHECK_FALSE(sqlite::read_block(2, 7, 3, 5, bytes.substr(0, i), out));
  }
}

TEST_CASE("sqlite_log says corrupt for a damaged record", "[contract][sqlite]") {
  temporary_folder folder;
  auto log = open_log(folder.path());
  REQUIRE(append(*log, "first").status == outcome::accepted);
  REQUIRE(append(*log, "second").status == outcome::accepted);
  log.reset();
  run_sql(folder.path() + "/log.db",
          "UPDATE blocks SET bytes = CAST(bytes || x'00' AS BLOB) WHERE id = 1");
  log = open_log(folder.path());
  auto good = fetch(*log, 0);
  REQUIRE(good);
  CHECK(good->entries.size() == 1);
  CHECK(code_of(fetch(*log, 1).error()) == errc::corrupt);
  CHECK(log->health().find("log.db") != std::string::npos);
}

TEST_CASE("sqlite files of others are refused by name", "[contract][sqlite]") {
  temporary_folder folder;
  const auto store_file = folder.path() + "/store.db";
  const auto log_file = folder.path() + "/log.db";
  SECTION("no database at all") {
    for (const auto& file : {store_file, log_file})
      std::ofstream{file} << "this is a text of more than a hundred bytes, which no database is: "
                          << std::string(200, '.');
    CHECK(code_of(refusal_of_store(folder.path())) == errc::corrupt);
    CHECK(code_of(refusal_of_log(folder.path())) == errc::corrupt);
    CHECK(names(refusal_of_store(folder.path()), store_file));
    CHECK(names(refusal_of_log(folder.path()), log_file));
  }
  SECTION("a database of another program") {
    run_sql(store_file, "CREATE TABLE theirs (x)");
    run_sql(log_file, "CREATE TABLE theirs (x)");
    CHECK(names(refusal_of_store(folder.path()), store_file + " is a database of another"));
    CHECK(names(refusal_of_log(folder.path()), log_file + " is a database of another"));
  }
  SECTION("files of a newer version") {
    open_store(folder.path());
    open_log(folder.path());
    run_sql(store_file, "PRAGMA user_version = 999");
    run_sql(log_file, "PRAGMA user_version = 999");
    CHECK(names(refusal_of_store(folder.path()), store_file + " was written by a newer version"));
    CHECK(names(refusal_of_log(folder.path()), log_file + " was written by a newer version"));
  }
  SECTION("the log in place of the store") {
    open_log(folder.path());
    std::filesystem::copy(log_file, store_file);
    CHECK(names(refusal_of_store(folder.path()), store_file + " is a database of another"));
  }
  SECTION("in use") {
    auto log = open_log(folder.path());
    auto db = open_store(folder.path());
    CHECK(names(refusal_of_store(folder.path()), "in use by another process"));
    CHECK(names(refusal_of_log(folder.path()), "in use by another process"));
  }
  SECTION("no such folder") {
    CHECK(names(refusal_of_store(folder.path() + "/none"), folder.path() + "/none"));
    CHECK(names(refusal_of_log(folder.path() + "/none"), folder.path() + "/none"));
  }
}

TEST_CASE("sqlite_log keeps the partitions it was made with", "[contract][sqlite]") {
  temporary_folder folder;
  sqlite_log::config settings;
  settings.folder = folder.path();
  settings.partitions = 7;
  settings.topic = "first";
  REQUIRE(sqlite_log::open(settings));
  settings.partitions = 2;
  settings.topic = "second";
  auto log = sqlite_log::open(settings);
  REQUIRE(log);
  CHECK((*log)->partitions() == 7);
  CHECK((*log)->topic() == "embedded"); // Its own name is its identity.
}

TEST_CASE("sqlite_log goes on by itself after the disk was full", "[contract][sqlite]") {
  failing_disk disk;
  temporary_folder folder;
  auto log = open_log(folder.path());
  REQUIRE(append(*log, "before").status == outcome::accepted);
  for (int writes = 0; writes < 6; ++writes) {
    failing_disk::writes_until_full = writes;
    int64_t next = -1;
    // A few commits may still fit.
    append_outcome refused;
    while ((refused = append(*log, std::string(3'000, 'x'))).status == outcome::accepted)
      next = refused.pos.offset;
    CHECK(refused.status == outcome::rejected);
    CHECK(refused.code == errc::disk_full);
    CHECK_FALSE(log->health().empty());
    CHECK(append(*log, "still full").status == outcome::rejected);
    failing_disk::writes_until_full = -1;
    failing_disk::is_full = false;
    const auto after = append(*log, "after");
    REQUIRE(after.status == outcome::accepted);
    if (next >= 0)
      CHECK(after.pos.offset == next + 1);
    CHECK(log->health().empty());
    auto read = fetch(*log, after.pos.offset);
    REQUIRE(read);
    CHECK(read->entries.at(0).value == "after");
  }
}

TEST_CASE("sqlite_log answers unknown when it cannot tell", "[contract][sqlite]") {
  failing_disk disk;
  temporary_folder folder;
  auto log = open_log(folder.path());
  REQUIRE(append(*log, "before").status == outcome::accepted);
  failing_disk::sync_fails = true;
  const auto lost = append(*log, "lost or not");
  CHECK(lost.status == outcome::unknown);
  CHECK(lost.code == errc::log_unavailable);
  failing_disk::sync_fails = false;
  REQUIRE(append(*log, "after").status == outcome::accepted);
  log.reset();
  log = open_log(folder.path());
  auto all = fetch(*log, 0);
  REQUIRE(all);
  CHECK(all->entries.back().value == "after");
}

TEST_CASE("sqlite_store goes on by itself after the disk was full", "[contract][sqlite]") {
  failing_disk disk;
  temporary_folder folder;
  auto db = open_store(folder.path(), 1'000); // Runs of ids are tried again by the clock.
  const auto epoch = claim(*db, 0)->epoch;
  int64_t next = 0;
  for (int writes = 0; writes < 12; ++writes) {
    failing_disk::writes_until_full = writes;
    auto id = [&](int64_t offset) { return "event " + std::to_string(offset); };
    // New texts each time: numbers of a rolled back transaction must not stay.
    auto text = [&](const char* of) { return of + std::to_string(next); };
    caf::expected<apply_result> done{apply_result{}};
    while ((done = apply(*db, batch(0, epoch, next, next + 1,
                                    {row(next, id(next), text("/page"), text("user"))}))))
      next += done->moved ? 1 : 0;
    CHECK(code_of(done.error()) == errc::disk_full);
    CHECK_FALSE(claim(*db, 2));
    failing_disk::writes_until_full = -1;
    failing_disk::is_full = false;
    REQUIRE(claim(*db, 1));
    CHECK(progress(*db)->at(0).next_offset == next);
    done = apply(
        *db, batch(0, epoch, next, next + 1, {row(next, id(next), text("/other"), text("user"))}));
    REQUIRE(done);
    CHECK(done->fresh.size() == 1);
    CHECK(count(*db, text("/other"), text("user")) == std::pair<uint64_t, uint64_t>{1, 1});
    CHECK(count(*db, text("/page"), text("user")).second == 0);
    ++next;
    CHECK(db->health().empty());
  }
  REQUIRE(fold(*db, 0, 0, next)->moved);
  CHECK(audit(*db)->empty());
}

TEST_CASE("sqlite_store lets one failing change not undo the others", "[contract][sqlite]") {
  temporary_folder folder;
  auto db = open_store(folder.path());
  const auto epoch = claim(*db, 0)->epoch;
  const auto other_epoch = claim(*db, 1)->epoch;
  // A position that is taken makes the second apply fail with a constraint.
  db.reset();
  run_sql(folder.path() + "/store.db",
          "INSERT INTO core_events VALUES (281474976710656, 1, 1, 1, 1, 1, 1, 1, x'00', NULL)");
  db = open_store(folder.path());
  answer<caf::expected<apply_result>> first;
  answer<caf::expected<apply_result>> second;
  answer<caf::expected<apply_result>> third;
  // Holds the writer in a callback until all three wait, so that they share a transaction.
  std::promise<void> all_wait;
  answer<caf::expected<partition_claim>> holding;
  db->claim(5, [&, done = holding.callback()](caf::expected<partition_claim> x) mutable {
    all_wait.get_future().wait_for(patience);
    done(std::move(x));
  });
  db->apply(batch(0, epoch, 0, 1, {row(0, "a", "/a", "u")}), first.callback());
  db->apply(batch(1, other_epoch, 0, 1, {row(0, "b", "/b", "u")}), second.callback());
  db->apply(batch(0, epoch, 1, 2, {row(1, "c", "/c", "u")}), third.callback());
  all_wait.set_value();
  REQUIRE(holding.get());
  auto one = first.get();
  REQUIRE(one);
  CHECK(one->moved);
  CHECK(code_of(second.get().error()) == errc::internal);
  CHECK(third.get()->moved);
  CHECK(count(*db, "/c", "u") == std::pair<uint64_t, uint64_t>{1, 1});
  CHECK(count(*db, "/b", "u").second == 0);
}

TEST_CASE("sqlite_store answers overload when too much waits", "[contract][sqlite]") {
  temporary_folder folder;
  sqlite_store::config settings;
  settings.folder = folder.path();
  settings.write_calls_max = 3;
  settings.write_rows_max = 2;
  auto db = std::move(*sqlite_store::open(settings));
  std::promise<void> release;
  std::promise<void> entered;
  answer<caf::expected<partition_claim>> holding;
  db->claim(0, [&, done = holding.callback()](caf::expected<partition_claim> x) mutable {
    entered.set_value();
    release.get_future().wait_for(patience);
    done(std::move(x));
  });
  REQUIRE(entered.get_future().wait_for(patience) == std::future_status::ready);
  answer<caf::expected<apply_result>> waits;
  answer<caf::expected<apply_result>> too_heavy;
  db->apply(batch(0, 1, 0, 2, {row(0, "a", "/a", "u"), row(1, "b", "/a", "u")}), waits.callback());
  db->apply(batch(0, 1, 2, 3, {row(2, "c", "/a", "u")}), too_heavy.callback());
  CHECK(code_of(too_heavy.get().error()) == errc::overloaded);
  answer<caf::expected<fold_result>> folds[3];
  for (auto& x : folds)
    db->fold(0, 0, 0, x.callback());
  CHECK(code_of(folds[2].get().error()) == errc::overloaded);
  release.set_value();
  CHECK(holding.get());
  CHECK(waits.get()->moved);
  CHECK(folds[0].get()->moved);
}

TEST_CASE("sqlite_store audit finds a wrong row in every table", "[contract][sqlite]") {
  const auto [where, sql] = GENERATE(table<std::string, std::string>(
      {{"page_clicks", "UPDATE core_pair_blocks SET data = '1,2,1,1' WHERE first = 1 << 32"},
       {"page_clicks", "DELETE FROM core_pair_blocks WHERE first ="
                       " (SELECT max(first) FROM core_pair_blocks)"},
       {"page_clicks", "INSERT INTO core_pair_blocks VALUES (1 << 32 | 9999, '0,1')"},
       {"page_clicks", "INSERT INTO core_pair_blocks VALUES (1 << 32 | 2, '0,1')"},
       {"page_clicks", "UPDATE core_pair_blocks SET data = data || ',' WHERE first = 1 << 32"},
       {"page_clicks", "UPDATE core_merge_progress SET merged = merged - 1, until = until - 1"},
       {"page_totals", "UPDATE core_page_totals SET clicks = clicks - 1 WHERE page_no = 1"},
       {"page_totals", "UPDATE core_page_totals SET users = users + 1 WHERE page_no = 1"},
       {"page_totals", "UPDATE core_page_totals SET last_at_us = last_at_us + 1 WHERE page_no = 1"},
       {"page_totals", "DELETE FROM core_page_totals WHERE page_no = 2"},
       {"page_types", "UPDATE core_page_types SET clicks = clicks + 5 WHERE page_no = 1"},
       {"page_series", "UPDATE core_page_series SET clicks = 0 WHERE page_no = 1"},
       {"page_series", "INSERT INTO core_page_series VALUES (1, 5, 1, 1)"},
       {"site_series", "DELETE FROM core_site_series"},
       {"core_runs", "UPDATE core_id_progress SET complete = complete - 1"},
       {"page_totals", "DELETE FROM core_events WHERE position = 0"}}));
  temporary_folder folder;
  auto db = open_store(folder.path());
  const auto epoch = claim(*db, 0)->epoch;
  REQUIRE(apply(*db, batch(0, epoch, 0, 4,
                           {row(0, "e0", "/a", "u"), row(1, "e1", "/a", "v"),
                            row(2, "e2", "/b", "u", day_us, "view"), row(3, "e3", "/c", "u")}))
              ->moved);
  REQUIRE(fold(*db, 0, 0, 3)->moved);
  move_ids_to_runs(*db, folder.path());
  merge_all_of(folder.path());
  REQUIRE(audit(*db)->empty());
  db.reset();
  run_sql(folder.path() + "/store.db", sql);
  db = open_store(folder.path());
  const auto found = audit(*db);
  REQUIRE(found);
  CAPTURE(sql);
  REQUIRE_FALSE(found->empty());
  bool named = false;
  for (const auto& x : *found)
    named = named || x.table == where;
  CHECK(named);
  // What is of page 1 is found when that one is looked at, and not by looking at another.
  if (sql.find("page_no = 1") == std::string::npos && sql.find("1 << 32") == std::string::npos)
    return;
  const auto of_page = audit_page(*db, {"default", "/a"});
  REQUIRE(of_page);
  CHECK(of_page->rows == 2);
  CHECK(std::any_of(of_page->differences.begin(), of_page->differences.end(),
                    [&](const auto& x) { return x.table == where; }));
  CHECK(audit_page(*db, {"default", "/b"})->differences.empty());
}
