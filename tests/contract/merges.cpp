// What folds leave to merges: when it is merged, and what readers make of it meanwhile.
#include <catch2/catch.hpp>

#include <map>
#include <random>
#include <thread>

#include "db/sqlite/minute_range.hpp"
#include "db/sqlite/sqlite_store.hpp"
#include "tests/contract/sqlite_files.hpp"
#include "tests/contract/sqlite_parts.hpp"
#include "tests/contract/temporary_folder.hpp"

using namespace footfall;
using namespace footfall::test;

namespace {

/// A partition whose events are of one page: six are folded, four of these merged, and four are not
/// folded. `tail` has looked, and its transaction has not begun.
struct looked {
  looked() {
    of.turn([&](store_writer& x) { epoch = x.claim(0).epoch; });
    std::vector<event_row> rows;
    for (int64_t i = 0; i < 10; ++i)
      rows.push_back(
          row(i, std::to_string(i), "/p", i % 2 == 0 ? "u" : "v", day_us + i % 3 * minute_us));
    of.turn([&](store_writer& x) { REQUIRE(x.apply(batch(0, epoch, 0, 10, rows)).moved); });
    fold(0, 4);
    of.merge_all();
    fold(4, 6);
    tail.look();
  }
  void fold(int64_t from, int64_t until) {
    of.turn([&](store_writer& x) { REQUIRE(x.fold(0, from, until).moved); });
  }
  uint64_t minutes() {
    auto out = static_cast<uint64_t>(of.reading.value("SELECT sum(clicks) FROM core_page_series"));
    tail.each_late_minute_of(1, [&](int32_t, int32_t, uint64_t clicks) { out += clicks; });
    return out;
  }
  uint64_t clicks(int32_t user) { return blocks.clicks_of(1, user) + tail.late_clicks_of(1, user); }

  temporary_folder folder;
  parts of{folder.path()};
  int64_t epoch = 0;
  store_tail tail{of.reading, of.late};
  pair_blocks blocks{of.reading};
};

} // namespace

TEST_CASE_METHOD(looked, "a reader sees what commits between its look and its beginning",
                 "[contract][sqlite][merges]") {
  SECTION("nothing") {}
  SECTION("a fold") {
    fold(6, 9);
  }
  SECTION("folds") {
    fold(6, 7);
    fold(7, 10);
  }
  SECTION("half a merge") {
    of.merge(1);
  }
  SECTION("a merge") {
    of.merge_all();
  }
  SECTION("a fold and a merge") {
    fold(6, 9);
    of.merge_all();
  }
  SECTION("a merge, a fold, half a merge") {
    of.merge_all();
    fold(6, 9);
    of.merge(1);
  }
  SECTION("half a merge, and a fold") {
    of.merge(1);
    fold(6, 9);
  }
  for (int round = 0; round < 2; ++round) {
    of.reading.run("BEGIN");
    tail.refresh();
    CHECK(clicks(1) == 5);
    CHECK(clicks(2) == 5);
    CHECK(minutes() == 10);
    of.reading.run("ROLLBACK");
    tail.look(); // What it had read before must not count twice.
  }
}

TEST_CASE_METHOD(looked, "a read that failed leaves nothing behind", "[contract][sqlite][merges]") {
  int fails_after = 0;
  auto handler = [](void* left) { return --*static_cast<int*>(left) < 0 ? 1 : 0; };
  int failed = 0;
  for (int n = 0; n < 300; ++n) {
    const int64_t next = 10 + n;
    of.turn([&](store_writer& x) {
      REQUIRE(x.apply(batch(0, epoch, next, next + 1, {row(next, std::to_string(next), "/p", "u")}))
                  .moved);
    });
    fails_after = n;
    sqlite3_progress_handler(of.reading.get(), 1, handler, &fails_after);
    try {
      of.reader->begin();
    } catch (const failure&) {
      ++failed;
    }
    of.reader->end();
    sqlite3_progress_handler(of.reading.get(), 0, nullptr, nullptr);
    if (n % 50 == 20)
      fold(n == 20 ? 6 : next - 50, next);
    if (n % 50 == 40)
      of.merge_all();
    of.reader->begin();
    const auto found = of.reader->counts({{"default", "/p", "u"}, {"default", "/p", "v"}});
    of.reader->end();
    REQUIRE(found.at(0).clicks == 6 + static_cast<uint64_t>(n));
    REQUIRE(found.at(1).clicks == 5);
    REQUIRE(found.at(0).version == 11 + static_cast<uint64_t>(n));
  }
  CHECK(failed > 30);
}

TEST_CASE_METHOD(looked, "a question for one page looks at no other page",
                 "[contract][sqlite][merges]") {
  const auto* sql =
      GENERATE("SELECT * FROM page_clicks WHERE page_url = '/p'",
               "SELECT * FROM page_clicks WHERE page_url = '/p' AND site_id = 'default'",
               "SELECT * FROM page_series WHERE page_url = '/p' AND site_id = 'default'",
               "SELECT * FROM page_totals WHERE page_url = '/p' AND site_id = 'default'");
  statement plan{of.reading, (std::string{"EXPLAIN QUERY PLAN "} + sql).c_str()};
  std::string all;
  while (plan.step())
    all += std::string{plan.text(3)} + "\n";
  INFO(all);
  CHECK(all.find("core_pages_1 (site_no=? AND page_url=?)") != std::string::npos);
  for (const char* whole : {"SCAN b", "SCAN p\n", "SCAN r", "SCAN e", "AUTOMATIC"})
    CHECK(all.find(whole) == std::string::npos);
}

TEST_CASE("merges are due by the rows that wait, and keep up with those that come",
          "[contract][sqlite][merges]") {
  temporary_folder folder;
  parts of{folder.path(), {100, 10}};
  int64_t epoch = 0;
  of.turn([&](store_writer& x) { epoch = x.claim(0).epoch; });
  int64_t next = 0;
  auto add = [&](int rows) {
    std::vector<event_row> all;
    for (int i = 0; i < rows; ++i)
      all.push_back(row(next + i, std::to_string(next + i), "/p", "u" + std::to_string(next + i)));
    of.turn([&](store_writer& x) {
      REQUIRE(x.apply(batch(0, epoch, next, next + rows, all)).moved);
      REQUIRE(x.fold(0, next, next + rows).moved);
    });
    next += rows;
  };
  CHECK(of.writer->merge_due(true) == 0);
  add(99);
  CHECK(of.writer->merge_due(false) == 0);
  CHECK(of.writer->merge_due(true) == 10);
  add(1);
  REQUIRE(of.writer->merge_due(false) == 10);
  of.merge(10);
  CHECK(of.writer->merge_due(false) == 0); // It has time.
  add(4);
  CHECK(of.writer->merge_due(false) == 0);
  add(1);
  CHECK(of.writer->merge_due(false) == 10);
  add(30);
  CHECK(of.writer->merge_due(false) == 70);
  of.merge(70);
  SECTION("as many rows as a 32nd of the pairs wait where there are many") {
    of.merge_all();
    of.on.run("UPDATE core_page_totals SET users = 32 * 200");
    of.writer.emplace(of.on, of.maker, of.late, "clicks",
                      event_ids::config{"store", 10, 64, {}, {}}, merger::config{100, 10});
    add(199);
    CHECK(of.writer->merge_due(false) == 0);
    add(1);
    CHECK(of.writer->merge_due(false) == 10);
  }
  SECTION("after one that failed there is a pause") {
    of.writer->merge_failed("the test says so");
    CHECK(of.writer->merge_due(true) == 0);
    CHECK(of.writer->merge_trouble() == "the test says so");
    add(200);
    CHECK(of.writer->merge_due(false) == 0);
    of.writer->merge_failed("no step was made");
    CHECK(of.writer->merge_trouble() == "the test says so");
  }
  SECTION("and a store that is opened again does not take all at once") {
    add(500);
    parts again{folder.path(), {100, 10}};
    CHECK(again.writer->merge_due(true) == 10);
  }
}

TEST_CASE("what a partition whose merges fail may leave waiting has a bound",
          "[contract][sqlite][merges]") {
  temporary_folder folder;
  merger::config how;
  how.rows_min = how.rows_over = 10;
  parts of{folder.path(), how};
  int64_t epochs[2] = {}, next[2] = {};
  for (uint32_t i = 0; i < 2; ++i)
    of.turn([&](store_writer& x) { epochs[i] = x.claim(i).epoch; });
  auto add = [&](uint32_t to, int64_t rows) {
    std::vector<event_row> all;
    for (auto at = next[to]; at < next[to] + rows; ++at)
      all.push_back(row(at, std::to_string(to) + "-" + std::to_string(at), "/p", "u"));
    of.turn([&](store_writer& x) {
      REQUIRE(x.apply(batch(to, epochs[to], next[to], next[to] + rows, all)).moved);
    });
    of.turn([&](store_writer& x) { x.fold(to, next[to], next[to] + rows); });
    next[to] += rows;
  };
  add(0, 5);
  of.merge(1, false);
  of.writer->merge_failed("the test says so");
  add(0, 16);
  CHECK_THROWS_AS(add(0, 1), failure);
  of.on.run("ROLLBACK");
  of.writer->rolled_back();
  CHECK(of.writer->merge_due(false) == 0); // Rows that have a pause make nothing due.
  add(1, 9);
  CHECK(of.writer->merge_due(false) == 0);
  add(1, 1);
  CHECK(of.writer->merge_due(false) > 0);
}

TEST_CASE("what waits for its merge stands in few spans", "[contract][sqlite][merges]") {
  late_counts late;
  late_counts::span frozen;
  std::mt19937_64 random(7);
  std::map<int64_t, uint64_t> wanted;
  for (int64_t at = 0; at < 2'000; ++at) {
    late_span x{at, at + 1, 1, {}, {}, {}};
    std::vector<int64_t> pairs;
    for (auto n = 1 + random() % 20; n > 0; --n)
      pairs.push_back(static_cast<int64_t>(random() % 5'000));
    std::sort(pairs.begin(), pairs.end());
    for (const auto pair : pairs) {
      x.add(pair);
      ++wanted[pair];
    }
    late.add(std::move(x), frozen);
    if (at == 1'000)
      frozen = late.join_all(0);
    REQUIRE(late.now()->size() == 1);
    REQUIRE(late.now()->front()->spans.size() <= 14);
  }
  const auto now = late.now();
  REQUIRE(now->front()->spans.front() == frozen);
  std::map<int64_t, uint64_t> found;
  int64_t until = 0;
  for (const auto& x : now->front()->spans) {
    CHECK(x->from == until);
    until = x->until;
    CHECK(std::is_sorted(x->pairs.begin(), x->pairs.end()));
    for (size_t i = 0; i < x->pairs.size(); ++i)
      found[x->pairs[i]] += x->clicks[i];
  }
  CHECK(until == 2'000);
  CHECK(found == wanted);
  late.drop_first(0);
  CHECK(late.now()->front()->spans.front()->from == 1'001);
  CHECK(now->front()->spans.front() == frozen); // Who has it keeps it.
}

namespace {

/// A store with one page, "/a", whose block is damaged, and another page.
struct damaged_store {
  damaged_store() {
    settings.folder = folder.path();
    settings.merge_rows_min = 1;
    db = std::move(*sqlite_store::open(settings));
    epochs[0] = claim(*db, 0)->epoch;
    epochs[1] = claim(*db, 1)->epoch;
    put(0, 0, "/a");
    merge_all_of(folder.path());
    run_sql(folder.path() + "/store.db", "UPDATE core_pair_blocks SET data = 'x'");
  }
  void put(uint32_t partition, int64_t offset, const std::string& page) {
    REQUIRE(apply(*db, batch(partition, epochs[partition], offset, offset + 1,
                             {row(offset, page + std::to_string(offset), page, "u")}))
                ->moved);
    REQUIRE(fold(*db, partition, offset, offset + 1)->moved);
  }
  std::string health_after_a_while() {
    for (int i = 0; i < 1'000 && db->health().empty(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds{5});
    return db->health();
  }

  temporary_folder folder;
  sqlite_store::config settings;
  std::unique_ptr<store> db;
  int64_t epochs[2] = {};
};

} // namespace

TEST_CASE_METHOD(damaged_store,
                 "a block that is damaged stops merges, and neither applies nor folds",
                 "[contract][sqlite][merges]") {
  put(0, 1, "/a");
  CHECK(health_after_a_while().find("core_pair_blocks") != std::string::npos);
  put(1, 0, "/b");
  put(1, 1, "/b");
  const auto blocks = "SELECT count(*) FROM core_pair_blocks WHERE data = '1,2'";
  for (int i = 0; i < 1'000 && run_sql(folder.path() + "/store.db", blocks) == 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  CHECK(run_sql(folder.path() + "/store.db", blocks) == 1);
  put(1, 2, "/b");
  CHECK(db->health().find("core_pair_blocks") != std::string::npos); // Also after others' merges.
  const auto counted = counts(*db, {{"default", "/b", "u"}});
  REQUIRE(counted);
  CHECK(counted->values.at(0).clicks == 3);
  CHECK_FALSE(counts(*db, {{"default", "/a", "u"}})); // Not a wrong one.
  const auto found = audit(*db);
  REQUIRE(found);
  REQUIRE_FALSE(found->empty());
  CHECK(found->front().table == "page_clicks");
}

TEST_CASE("a store of the version before has nothing to merge", "[contract][sqlite][merges]") {
  temporary_folder folder;
  const auto file = folder.path() + "/store.db";
  {
    connection on{file, usual()};
    auto steps = sqlite_store_schema();
    while (steps.back().version > 7)
      steps.pop_back();
    migrate(on, file, store_application_id, steps);
    on.run("INSERT INTO core_topics (topic_no, topic, log) VALUES (0, 'clicks', 'clicks');"
           "INSERT INTO partition_progress (topic, part, epoch, next_offset)"
           " VALUES ('clicks', 0, 1, 3);"
           "INSERT INTO fold_progress VALUES ('clicks', 0, 2);"
           "INSERT INTO core_sites VALUES (1, 'default');"
           "INSERT INTO core_pages VALUES (1, 1, '/p');"
           "INSERT INTO core_users VALUES (1, 1, 'u'), (2, 1, 'v');"
           "INSERT INTO core_types VALUES (1, 'click');"
           "INSERT INTO core_events VALUES (0, 1, 1, 1, 1, 60000000, 0, 0, x'00', 'a'),"
           " (1, 1, 1, 1, 1, 60000000, 0, 0, x'01', 'b'),"
           " (2, 1, 2, 1, 1, 60000000, 0, 0, x'02', 'c');"
           "INSERT INTO core_page_totals VALUES (1, 1, 2, 1, 60000000);"
           "INSERT INTO core_page_types VALUES (1, 1, 2);"
           "INSERT INTO core_page_series VALUES (1, 1, 1, 2);"
           "INSERT INTO core_site_series VALUES (1, 1, 2);"
           "INSERT INTO core_pair_blocks VALUES (1 << 32, '1,2')");
  }
  parts of{folder.path()};
  CHECK(of.writer->merge_due(true) == 0);
  CHECK(of.on.value("SELECT count(*) FROM core_late_rows") == 0);
  of.turn([&](store_writer& x) { REQUIRE(x.fold(0, 2, 3).moved); });
  CHECK(of.on.value("SELECT count(*) FROM core_late_rows") == 1);
  of.reader->begin();
  const auto found = of.reader->counts({{"default", "/p", "u"}, {"default", "/p", "v"}});
  of.reader->end();
  CHECK(found.at(0).clicks == 2);
  CHECK(found.at(1).clicks == 1);
}
