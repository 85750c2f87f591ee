// Ids of the embedded store are unique whatever becomes of their index.
#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <mutex>

#include "actors/model/event_key.hpp"
#include "db/sqlite/hash_run.hpp"
#include "db/sqlite/migrate.hpp"
#include "db/sqlite/sqlite_store.hpp"
#include "tests/contract/sqlite_files.hpp"
#include "tests/contract/store_calls.hpp"
#include "tests/contract/temporary_folder.hpp"

using namespace footfall;
using namespace footfall::test;

namespace {

/// A store of a folder, and what it said about its index.
class id_store {
public:
  id_store(const std::string& folder, size_t recent_max, int hash_bits = 64) : folder_(folder) {
    settings_.folder = folder;
    settings_.recent_ids_max = recent_max;
    settings_.id_hash_bits = hash_bits;
    settings_.report = [this](const std::string& line) {
      std::lock_guard guard{lock_};
      said_ += line + "\n";
    };
    open();
  }

  void open() {
    db_.reset();
    auto opened = sqlite_store::open(settings_);
    if (!opened)
      FAIL(text_of(opened.error()));
    db_ = std::move(*opened);
    const auto mine = claim(*db_, 0);
    epoch_ = mine->epoch;
    next_ = mine->next_offset;
  }
  void close() { db_.reset(); }
  /// Applies ids to partition 0. @returns how many were fresh.
  caf::expected<size_t> post(const std::vector<std::string>& ids) {
    std::vector<event_row> rows;
    for (size_t i = 0; i < ids.size(); ++i)
      rows.push_back(row(next_ + static_cast<int64_t>(i), ids[i], "/a", "u"));
    const auto until = next_ + static_cast<int64_t>(ids.size());
    auto done = test::apply(*db_, batch(0, epoch_, next_, until, std::move(rows)));
    if (!done)
      return done.error();
    REQUIRE(done->moved);
    next_ = until;
    return done->fresh.size();
  }
  /// The same, as the partition's actor does: again until it goes.
  size_t post_again(const std::vector<std::string>& ids) {
    for (int i = 0; i < 5; ++i)
      if (auto done = post(ids))
        return *done;
    FAIL("a batch is refused again and again");
    return 0;
  }
  void move_to_runs() { move_ids_to_runs(*db_, folder_); }
  bool is_sound() {
    REQUIRE(fold(*db_, 0, 0, next_));
    return audit(*db_)->empty();
  }
  std::string said() {
    std::lock_guard guard{lock_};
    return said_;
  }

private:
  const std::string folder_;
  sqlite_store::config settings_;
  std::mutex lock_;
  std::string said_;
  std::unique_ptr<store> db_;
  int64_t epoch_ = 0;
  int64_t next_ = 0;
};

std::vector<std::string> ids(int from, int until) {
  std::vector<std::string> out;
  for (int i = from; i < until; ++i)
    out.push_back("id-" + std::to_string(i));
  return out;
}

std::string greatest_run(const std::string& folder) {
  const auto number =
      run_sql(folder + "/store.db", "SELECT number FROM core_runs ORDER BY entries DESC LIMIT 1");
  const auto file =
      folder + "/" + sqlite::run_name{"", "ids", static_cast<uint64_t>(number)}.file();
  REQUIRE(std::filesystem::exists(file));
  return file;
}

void damage(const std::string& file, int64_t at) {
  std::fstream on(file, std::ios::in | std::ios::out | std::ios::binary);
  on.seekp(at);
  on.write("damage", 6);
}

} // namespace

TEST_CASE("ids whose hashes are equal are told apart", "[contract][sqlite][run]") {
  temporary_folder folder;
  const size_t recent_max = GENERATE(1, 30, 1'000);
  id_store db{folder.path(), recent_max, 3}; // Eight hashes in all.
  for (int i = 0; i < 10; ++i) {
    REQUIRE(*db.post(ids(i * 20, i * 20 + 20)) == 20);
    auto some = ids(i * 10, i * 10 + 5);
    some.push_back(some.front());
    some.push_back("new-" + std::to_string(i));
    some.push_back(some.back());
    REQUIRE(*db.post(some) == 1);
    if (i % 3 == 2)
      db.open();
  }
  CHECK(*db.post(ids(0, 200)) == 0);
  CHECK(db.is_sound());
  CHECK(db.said() == "");
}

TEST_CASE("an index of ids whose runs are gone or damaged is made again at the start",
          "[contract][sqlite][run]") {
  temporary_folder folder;
  id_store db{folder.path(), 40};
  for (int i = 0; i < 10; ++i) {
    REQUIRE(*db.post(ids(i * 50, i * 50 + 50)) == 50);
    db.move_to_runs();
  }
  db.close();
  const auto how = GENERATE(as<std::string>{}, "gone", "header", "cut", "all gone", "not named",
                            "named with other entries");
  const auto file = greatest_run(folder.path());
  if (how == "gone")
    std::filesystem::remove(file);
  else if (how == "header")
    damage(file, 60);
  else if (how == "cut")
    std::filesystem::resize_file(file, 5'000);
  else if (how == "not named")
    run_sql(folder.path() + "/store.db", "DELETE FROM core_runs");
  else if (how == "named with other entries")
    run_sql(folder.path() + "/store.db", "UPDATE core_runs SET entries = entries + 1");
  else
    for (const auto& x : runs_in(folder.path()))
      std::filesystem::remove(x);
  db.open();
  CHECK(db.said().find("made again") != std::string::npos);
  CHECK(*db.post(ids(0, 500)) == 0);
  CHECK(*db.post(ids(490, 510)) == 10);
  CHECK(db.is_sound());
}

TEST_CASE("damage of a run that is found while it is asked is mended", "[contract][sqlite][run]") {
  temporary_folder folder;
  id_store db{folder.path(), 200};
  REQUIRE(*db.post(ids(0, 200)) == 200);
  db.move_to_runs();
  damage(greatest_run(folder.path()), 4096 + 30); // The first block of entries.
  CHECK(db.post_again(ids(100, 300)) == 100);
  CHECK(db.said().find("block 0 is damaged") != std::string::npos);
  CHECK(*db.post(ids(0, 300)) == 0);
  CHECK(db.is_sound());
  const auto said = db.said();
  db.open();
  CHECK(db.said() == said);
  CHECK(*db.post(ids(0, 300)) == 0);
}

TEST_CASE("a folder of the version before has its ids in runs after the first start",
          "[contract][sqlite][run]") {
  temporary_folder folder;
  const auto file = folder.path() + "/store.db";
  {
    sqlite::connection::options how;
    how.application_id = sqlite::store_application_id;
    sqlite::connection on{file, how};
    auto before = sqlite_store_schema();
    while (before.back().version > 5)
      before.pop_back();
    sqlite::migrate(on, file, sqlite::store_application_id, before);
    on.run(
        "INSERT INTO core_topics (topic_no, topic, log) VALUES (0, 'clicks', 'clicks');"
        "INSERT INTO core_sites VALUES (1, 'default'); INSERT INTO core_types VALUES (1, 'click');"
        "INSERT INTO core_pages VALUES (1, 1, '/a'); INSERT INTO core_users VALUES (1, 1, 'u');"
        "INSERT INTO partition_progress (topic, part, epoch, next_offset)"
        " VALUES ('clicks', 0, 1, 300);"
        "INSERT INTO fold_progress VALUES ('clicks', 0, 0);"
        "INSERT INTO core_event_ids VALUES (5, 0); INSERT INTO core_id_progress VALUES (0, 200)");
    sqlite::statement put{on, "INSERT INTO core_events VALUES (?, 1, 1, 1, 1, 0, 0, 0, ?, NULL)"};
    for (int i = 0; i < 300; ++i) {
      const auto key = row(i, "id-" + std::to_string(i), "/a", "u").key;
      put.bind(1, i).bind_blob(2, {reinterpret_cast<const char*>(key.data()), key.size()}).run();
    }
  }
  id_store db{folder.path(), 40};
  CHECK(run_sql(file, "SELECT sum(entries) FROM core_runs") == 200); // The rest is in memory.
  CHECK(*db.post(ids(0, 300)) == 0);
  CHECK(*db.post(ids(290, 310)) == 10);
  CHECK(db.is_sound());
}
