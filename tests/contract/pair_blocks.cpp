// Clicks of page and user in blocks: as exact as rows, and read as rows by who opens the file.
#include <catch2/catch.hpp>

#include <map>
#include <optional>
#include <random>
#include <set>

#include "db/sqlite/migrate.hpp"
#include "db/sqlite/pair_blocks.hpp"
#include "db/sqlite/sqlite_store.hpp"
#include "tests/contract/sqlite_files.hpp"
#include "tests/contract/temporary_folder.hpp"

using namespace footfall;
using namespace footfall::sqlite;
using namespace footfall::test;

namespace {

using clicks_by_pair = std::map<std::pair<int32_t, int32_t>, uint64_t>; ///< By page and user.

/// A new store.db of the schema's first so many versions.
connection made(const std::string& file, int version) {
  connection::options how;
  how.application_id = store_application_id;
  connection out{file, how};
  auto steps = sqlite_store_schema();
  while (steps.back().version > version)
    steps.pop_back();
  migrate(out, file, store_application_id, steps);
  return out;
}

clicks_by_pair stored(connection& on) {
  clicks_by_pair out;
  std::vector<user_clicks> users;
  statement blocks{on, "SELECT first, data FROM core_pair_blocks"};
  while (blocks.step()) {
    users.clear();
    read_pairs(blocks.text(1), static_cast<int32_t>(blocks.integer(0) & 0xffffffff), users);
    for (const auto& [user_no, clicks] : users)
      CHECK(out.emplace(std::pair{static_cast<int32_t>(blocks.integer(0) >> 32), user_no}, clicks)
                .second);
  }
  return out;
}

std::vector<user_clicks> some_users(std::mt19937_64& random, size_t most, int32_t users) {
  std::map<int32_t, uint64_t> out;
  for (size_t n = 1 + random() % most; n > 0; --n)
    out[static_cast<int32_t>(1 + random() % static_cast<uint64_t>(users))] += 1 + random() % 3;
  std::vector<user_clicks> list;
  for (const auto& [user_no, clicks] : out)
    list.push_back({user_no, clicks});
  return list;
}

} // namespace

TEST_CASE("pairs are the same when read from their text", "[contract][sqlite][pairs]") {
  const std::vector<user_clicks> all = {
      {5, 1}, {6, 12}, {1'000'000, 1}, {2'147'483'647, 9'000'000'000'000}};
  const auto base = GENERATE(0, 5);
  const auto text = merge_pairs("", base, all.data(), all.data() + all.size()).text;
  CHECK(text == (base == 0 ? "5" : "0") + std::string{",1,1,12,999994,1,2146483647,9000000000000"});
  std::vector<user_clicks> found;
  read_pairs(text, base, found);
  CHECK(found == all);
}

TEST_CASE("text that is no pairs is refused", "[contract][sqlite][pairs]") {
  const auto* text = GENERATE("", ",", "1", "1,", "1,1,", "1,1,2", "1,1,,1", "-1,1", "1,-1", "1,0",
                              "x,1", "1,1 ", " 1,1", "1,1,0,1", "4294967295,1", "99999999999,1",
                              "1,99999999999999999999", "1,1,2,", "2147483647,1,1,1");
  std::vector<user_clicks> found;
  INFO(text);
  CHECK_THROWS_AS(read_pairs(text, 0, found), failure);
}

TEST_CASE("blocks hold what was added to each pair", "[contract][sqlite][pairs]") {
  temporary_folder folder;
  auto on = made(folder.path() + "/store.db", sqlite_store::schema_version());
  pair_block_writer to{on};
  pair_blocks from{on};
  std::mt19937_64 random(GENERATE(1, 2));
  clicks_by_pair wanted;
  int32_t last = 0;
  for (int step = 0; step < 150; ++step) {
    const auto page_no = static_cast<int32_t>(1 + random() % 3);
    auto more = some_users(random, step % 10 == 0 ? 3'000 : 200, 20'000);
    if (random() % 3 == 0) // As new users come: each with the next number.
      for (auto& x : more)
        x.user_no = 30'000 + ++last;
    uint64_t fresh = 0;
    for (const auto& x : more)
      fresh += wanted.count({page_no, x.user_no}) == 0 ? 1 : 0;
    REQUIRE(to.add(page_no, more) == fresh);
    for (const auto& x : more)
      wanted[{page_no, x.user_no}] += x.clicks;
    const auto page = static_cast<int32_t>(random() % 5);
    std::set<int32_t> users;
    uint64_t new_ones = 0;
    for (int i = 0; i < 50; ++i)
      users.insert(static_cast<int32_t>(random() % 32'000));
    for (const auto user : users) {
      const auto at = wanted.find({page, user});
      REQUIRE(from.clicks_of(page, user) == (at == wanted.end() ? 0 : at->second));
      new_ones += at == wanted.end() ? 1 : 0;
    }
    REQUIRE(from.count_new(page, {users.begin(), users.end()}) == new_ones);
  }
  clicks_by_pair found;
  for (int32_t page = 0; page < 5; ++page)
    from.each_of_page(page, [&](const user_clicks& x) { found[{page, x.user_no}] = x.clicks; });
  CHECK(found == wanted);
  CHECK(stored(on) == wanted);
  constexpr int64_t most = pair_blocks::bytes_max;
  CHECK(on.value("SELECT max(length(data)) FROM core_pair_blocks") <= most);
  CHECK(on.value("SELECT sum(length(data)) / count(*) FROM core_pair_blocks") >= most / 3);
}

TEST_CASE("merged text is that of the merged pairs", "[contract][sqlite][pairs]") {
  std::mt19937_64 random(5);
  std::map<int32_t, uint64_t> wanted;
  std::string text;
  for (int step = 0; step < 3'000; ++step) {
    if (random() % 40 == 0) {
      wanted.clear();
      text.clear();
    }
    const auto more = some_users(random, 6, 60);
    uint64_t fresh = 0;
    const bool is_appended = wanted.empty() || wanted.rbegin()->first < more.front().user_no;
    for (const auto& x : more) {
      fresh += wanted.count(x.user_no) == 0 ? 1 : 0;
      wanted[x.user_no] += x.clicks;
    }
    const auto merged = merge_pairs(text, 0, more.data(), more.data() + more.size());
    REQUIRE(merged.added == fresh);
    REQUIRE(merged.is_appended == is_appended);
    text = merged.text;
    std::vector<user_clicks> found, all;
    read_pairs(text, 0, found);
    for (const auto& [user_no, clicks] : wanted)
      all.push_back({user_no, clicks});
    REQUIRE(found == all);
  }
}

TEST_CASE("pairs of the version before stand in blocks after the first start",
          "[contract][sqlite][pairs]") {
  temporary_folder folder;
  const auto file = folder.path() + "/store.db";
  clicks_by_pair wanted;
  {
    auto on = made(file, 6);
    on.run("INSERT INTO core_sites VALUES (1, 'default');"
           "INSERT INTO core_pages SELECT value, 1, '/p' || value FROM "
           "json_each('[1,2,3,4,5,6,7,8,9]')");
    std::mt19937_64 random(3);
    statement put{on, "INSERT INTO core_page_clicks VALUES (?, ?)"};
    on.run("BEGIN");
    for (int32_t page = 1; page <= 9; ++page)
      for (const auto& x : some_users(random, page == 4 ? 20'000 : 2, 50'000)) {
        wanted[{page, x.user_no}] = x.clicks;
        put.bind(1, int64_t{page} << 32 | x.user_no).bind(2, static_cast<int64_t>(x.clicks)).run();
      }
    on.run("COMMIT");
  }
  sqlite_store::config settings;
  settings.folder = folder.path();
  for (int start = 0; start < 2; ++start) {
    REQUIRE(sqlite_store::open(settings));
    auto on = connection{file, {}};
    CHECK(stored(on) == wanted);
    CHECK(on.value("SELECT count(*) FROM sqlite_schema WHERE name LIKE '%before'") == 0);
  }
}

TEST_CASE("who opens the file reads page_clicks as rows", "[contract][sqlite][pairs]") {
  temporary_folder folder;
  sqlite_store::config settings;
  settings.folder = folder.path();
  auto db = std::move(*sqlite_store::open(settings));
  const auto epoch = claim(*db, 0)->epoch;
  std::vector<event_row> rows;
  for (int64_t i = 0; i < 6'000; ++i) // Of 2,000 users, each three times; some blocks.
    rows.push_back(
        row(i, "e" + std::to_string(i), i % 2 == 0 ? "/a" : "/b", "u" + std::to_string(i % 2'000)));
  REQUIRE(apply(*db, batch(0, epoch, 0, 6'000, std::move(rows)))->moved);
  REQUIRE(fold(*db, 0, 0, 6'000)->moved);
  db.reset(); // Brings them into blocks.
  const auto file = folder.path() + "/store.db";
  CHECK(run_sql(file, "SELECT count(*) FROM core_pair_blocks") > 2);
  CHECK(run_sql(file, "SELECT count(*) FROM page_clicks") == 2'000);
  CHECK(run_sql(file, "SELECT count(*) FROM page_clicks WHERE page_url = '/a' AND click_count = 3"
                      " AND site_id = 'default' AND substr(user_id, 2) % 2 = 0")
        == 1'000);
  CHECK(run_sql(file, "SELECT click_count FROM page_clicks WHERE page_url = '/b'"
                      " AND user_id = 'u1999'")
        == 3);
}

TEST_CASE("a row of no page is told as damage, and ends nobody", "[contract][sqlite][pairs]") {
  temporary_folder folder;
  sqlite_store::config settings;
  settings.folder = folder.path();
  auto db = std::move(*sqlite_store::open(settings));
  const auto epoch = claim(*db, 0)->epoch;
  REQUIRE(
      apply(*db, batch(0, epoch, 0, 2, {row(0, "e0", "/a", "u"), row(1, "e1", "/a", "v")}))->moved);
  db.reset();
  run_sql(folder.path() + "/store.db", "UPDATE core_events SET page_no = 0 WHERE user_no = 2");
  db = std::move(*sqlite_store::open(settings));
  for (int i = 0; i < 2; ++i) { // It is tried again and again.
    const auto folded = fold(*db, 0, 0, 2);
    REQUIRE_FALSE(folded);
    CHECK(code_of(folded.error()) == errc::corrupt);
    CHECK(text_of(folded.error()).find("row of no page") != std::string::npos);
  }
  const auto later = claim(*db, 0)->epoch; // What comes is stored all the same.
  CHECK(apply(*db, batch(0, later, 2, 3, {row(2, "e2", "/a", "u")}))->moved);
}
