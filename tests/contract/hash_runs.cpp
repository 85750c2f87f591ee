// Runs of the embedded store's indexes: exact, whatever becomes of their files.
#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <thread>

#include <sqlite3.h>

#include "db/sqlite/hash_index.hpp"
#include "db/sqlite/migrate.hpp"
#include "tests/contract/sqlite_files.hpp"
#include "tests/contract/temporary_folder.hpp"

using namespace footfall;
using namespace footfall::sqlite;
using namespace footfall::test;

namespace {

const run_name some_name{"11111111-2222-4333-8444-555555555555", "ids", 0x1234};

/// `twins`: of the hashes, one in so many is that of the entry before.
std::vector<hash_entry> some_entries(size_t count, uint64_t seed, uint64_t twins = 50) {
  std::mt19937_64 random(seed);
  std::vector<hash_entry> out;
  for (size_t i = 0; i < count; ++i) {
    const bool is_twin = !out.empty() && random() % twins == 0;
    out.push_back({is_twin ? out.back().hash : random(), static_cast<int64_t>(i)});
  }
  return out;
}

std::vector<int64_t> rows_of(const hash_run& run, uint64_t hash) {
  std::vector<int64_t> out;
  if (run.may_have(hash))
    run.find(hash, out);
  std::sort(out.begin(), out.end());
  return out;
}

std::string bytes_of(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void put_bytes(const std::string& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
}

/// What reading all of a run says: empty when it is whole.
std::string damage_of(const std::string& folder, const run_name& name, uint64_t checksum) {
  try {
    const hash_run run{folder, name, checksum};
    for (hash_run::cursor at{run}; !at.is_at_end(); at.next())
      if (rows_of(run, (*at).hash).empty())
        return "an entry is not found";
    return {};
  } catch (const damaged_run& error) {
    return error.what();
  }
}

/// An index in a database of its own, beside what it should hold.
class index_rig {
public:
  explicit index_rig(std::string folder, const std::string& runs = "")
      : folder_(std::move(folder)), runs_(folder_ + runs) {
    open();
  }

  void open() {
    index_.reset();
    maker_.reset();
    on_.reset();
    connection::options how;
    how.application_id = store_application_id;
    on_.emplace(folder_ + "/store.db", how);
    migrate(*on_, folder_ + "/store.db", store_application_id, sqlite_store_schema());
    maker_.emplace(runs_);
    index_.emplace(
        *on_, *maker_,
        hash_index::config{some_name.store, "ids", 10, [this](const auto& x) { said_ += x; }});
    index_->open(false);
  }
  void commit(const std::vector<hash_entry>& entries, bool is_kept) {
    index_->wait_for_room();
    on_->run("BEGIN IMMEDIATE");
    for (const auto& x : entries)
      index_->put(x.hash, x.row);
    in_runs_ = index_->finish() && is_kept ? frozen_ : in_runs_;
    on_->run(is_kept ? "COMMIT" : "ROLLBACK");
    if (!is_kept)
      return index_->rolled_back();
    index_->committed();
    known_.insert(entries.begin(), entries.end());
    if (index_->is_full()) {
      frozen_ = known_;
      index_->freeze();
    }
  }
  std::multiset<int64_t> found(uint64_t hash) {
    std::vector<int64_t> rows;
    index_->prepare({hash});
    index_->find(0, rows);
    return {rows.begin(), rows.end()};
  }
  std::multiset<int64_t> wanted(uint64_t hash) const {
    std::multiset<int64_t> rows;
    for (auto at = known_.lower_bound({hash, INT64_MIN}); at != known_.end() && at->hash == hash;
         ++at)
      rows.insert(at->row);
    return rows;
  }
  /// As a start does: what stands in runs is there, the rest is put again.
  void put_rest_again() {
    for (const auto& x : known_)
      if (in_runs_.count(x) == 0)
        index_->put(x.hash, x.row);
    index_->committed();
  }
  hash_index& index() { return *index_; }
  connection& on() { return *on_; }
  const std::set<hash_entry>& known() const { return known_; }
  size_t files() const {
    size_t out = 0;
    for (const auto& x : std::filesystem::directory_iterator(folder_))
      out += x.path().extension() == ".run" ? 1 : 0;
    return out;
  }
  const std::string& said() const { return said_; }
  size_t named() { return static_cast<size_t>(on_->value("SELECT count(*) FROM core_runs")); }

private:
  const std::string folder_, runs_;
  std::string said_;
  std::optional<connection> on_;
  std::optional<run_maker> maker_;
  std::optional<hash_index> index_;
  std::set<hash_entry> known_, frozen_, in_runs_;
};

} // namespace

TEST_CASE("a run has what was put into it and nothing else", "[contract][sqlite][run]") {
  temporary_folder folder;
  const size_t count = GENERATE(0, 1, 254, 255, 256, 40'000);
  auto entries = some_entries(count, 7);
  if (count == 256) // All over the edge of a block.
    for (auto& x : entries)
      x.hash = 77;
  const auto made = run_maker::write(folder.path(), some_name, entries);
  std::map<uint64_t, std::vector<int64_t>> wanted;
  for (const auto& x : entries)
    wanted[x.hash].push_back(x.row);
  for (const auto& [hash, rows] : wanted)
    REQUIRE(rows_of(made.run(), hash) == rows);
  std::mt19937_64 random(8);
  size_t passed = 0;
  constexpr size_t asked = 20'000;
  for (size_t i = 0; i < asked; ++i) {
    const auto hash = random();
    passed += made.run().may_have(hash) ? 1 : 0;
    REQUIRE(rows_of(made.run(), hash).empty());
  }
  CHECK(passed <= asked / 200);
  std::vector<hash_entry> all;
  for (hash_run::cursor at{made.run()}; !at.is_at_end(); at.next())
    all.push_back(*at);
  std::sort(entries.begin(), entries.end());
  CHECK(all == entries);
}

TEST_CASE("a run that is not what it says is noticed", "[contract][sqlite][run]") {
  temporary_folder folder;
  const auto made = run_maker::write(folder.path(), some_name, some_entries(700, 3));
  const auto file = folder.path() + "/" + some_name.file();
  const auto whole = bytes_of(file);
  REQUIRE(damage_of(folder.path(), some_name, made.checksum()).empty());
  SECTION("one byte is another") {
    std::mt19937_64 random(4);
    for (int i = 0; i < 400; ++i) {
      auto bytes = whole;
      const auto at = random() % bytes.size();
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
      put_bytes(file, bytes);
      INFO("byte " << at);
      REQUIRE_FALSE(damage_of(folder.path(), some_name, made.checksum()).empty());
    }
  }
  SECTION("it is shorter, or longer") {
    for (const size_t size : {size_t{0}, size_t{100}, size_t{4096}, size_t{9000}, whole.size() - 1})
      for (const bool is_longer : {false, true}) {
        put_bytes(file, is_longer ? whole + std::string(size + 1, 'x') : whole.substr(0, size));
        REQUIRE_FALSE(damage_of(folder.path(), some_name, made.checksum()).empty());
      }
  }
  SECTION("two blocks changed places") {
    put_bytes(file, whole.substr(0, 4096) + whole.substr(8192, 4096) + whole.substr(4096, 4096)
                        + whole.substr(3 * 4096));
    CHECK(damage_of(folder.path(), some_name, made.checksum()).find("block 0")
          != std::string::npos);
  }
  SECTION("it is gone") {
    std::filesystem::remove(file);
    CHECK_FALSE(damage_of(folder.path(), some_name, made.checksum()).empty());
  }
  SECTION("it is another store's, another index's, or another run") {
    auto store = some_name, index = some_name, number = some_name;
    store.store.back() = '6';
    index.of = "pages";
    number.number = 5;
    for (const auto& name : {store, index, number}) {
      put_bytes(folder.path() + "/" + name.file(), whole);
      CHECK(damage_of(folder.path(), name, made.checksum()).find("another") != std::string::npos);
    }
    CHECK_FALSE(damage_of(folder.path(), some_name, made.checksum() + 1).empty());
  }
}

TEST_CASE("runs become one that has all of theirs, and new ones do not wait for it",
          "[contract][sqlite][run]") {
  temporary_folder folder;
  run_maker maker{folder.path(), 400'000};
  run_maker::runs from;
  std::vector<hash_entry> all;
  for (uint64_t i = 0; i < 4; ++i) {
    const auto some = some_entries(i == 2 ? 0 : 70'000, i);
    all.insert(all.end(), some.begin(), some.end());
    auto name = some_name;
    name.number = i;
    from.push_back(run_maker::write(folder.path(), name, some).keep());
  }
  auto name = some_name;
  name.number = 10;
  auto merged = maker.merge(name, from);
  name.number = 11;
  REQUIRE(maker.make(name, some_entries(1'000, 9)).get().run().entries() == 1'000);
  CHECK(merged.wait_for(std::chrono::seconds{0}) != std::future_status::ready); // Half a second.
  const auto made = merged.get();
  std::vector<hash_entry> found;
  for (hash_run::cursor at{made.run()}; !at.is_at_end(); at.next())
    found.push_back(*at);
  std::sort(all.begin(), all.end());
  CHECK(found == all);
}

TEST_CASE("an index by hash holds what was committed, also after a start",
          "[contract][sqlite][run]") {
  temporary_folder folder;
  index_rig rig{folder.path()};
  std::mt19937_64 random(GENERATE(1, 2, 3));
  int64_t row = 0;
  size_t most_files = 0;
  for (int step = 0; step < 1'500; ++step) {
    std::vector<hash_entry> some(random() % 12);
    for (auto& x : some)
      x = {random() % 2'000, ++row}; // Many have the hash of another.
    rig.commit(some, random() % 10 != 0);
    if (random() % 4 == 0)
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 2'000));
    for (int i = 0; i < 5; ++i) {
      const auto hash = random() % 2'000;
      REQUIRE(rig.found(hash) == rig.wanted(hash));
    }
    std::vector<uint64_t> hashes;
    for (int i = 0; i < 20; ++i)
      hashes.push_back(random() % 2'000);
    std::sort(hashes.begin(), hashes.end());
    rig.index().prepare(hashes);
    for (size_t i = 0; i < hashes.size(); ++i) {
      std::vector<int64_t> rows;
      rig.index().find(i, rows);
      REQUIRE(std::multiset<int64_t>(rows.begin(), rows.end()) == rig.wanted(hashes[i]));
    }
    if (random() % 100 == 0) { // Those that are part of others go when that is synced.
      rig.index().begin_sync();
      rig.index().synced();
      most_files = std::max(most_files, rig.files());
    }
    if (random() % 200 == 0) {
      rig.open();
      rig.put_rest_again();
    }
  }
  CHECK(rig.named() >= 1);
  CHECK(most_files < 40); // Of some 700 that were made.
}

TEST_CASE("an index whose runs are damaged can be made again", "[contract][sqlite][run]") {
  temporary_folder folder;
  index_rig rig{folder.path()};
  int64_t row = 0;
  while (rig.named() < 2) {
    rig.commit({{static_cast<uint64_t>(row % 7), row}}, true);
    ++row;
  }
  for (const auto& file : runs_in(folder.path())) // Also one that nothing names yet.
    std::filesystem::resize_file(file, 100);
  CHECK_THROWS_AS(rig.open(), damaged_run);
  rig.on().run("BEGIN IMMEDIATE");
  rig.index().forget();
  rig.on().run("COMMIT");
  CHECK(rig.named() == 0);
  CHECK(rig.found(3).empty());
  rig.on().run("BEGIN IMMEDIATE");
  rig.index().add_run({rig.known().begin(), rig.known().end()});
  rig.on().run("COMMIT");
  rig.index().committed();
  for (uint64_t hash = 0; hash < 7; ++hash)
    CHECK(rig.found(hash) == rig.wanted(hash));
  rig.index().begin_sync();
  rig.index().synced();
  CHECK(rig.files() == 1);
}

TEST_CASE("an index goes on when runs can be written again", "[contract][sqlite][run]") {
  temporary_folder folder;
  index_rig rig{folder.path(), "/runs"}; // There is no such folder.
  int64_t row = 0;
  auto one_more = [&] {
    rig.commit({{static_cast<uint64_t>(row), row}}, true);
    ++row;
  };
  auto is_refused = [&] {
    try {
      one_more();
      return false;
    } catch (const failure& error) {
      CHECK(error.code() == SQLITE_FULL);
      rig.on().roll_back();
      rig.index().rolled_back();
      return true;
    }
  };
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  while (!is_refused())
    REQUIRE(std::chrono::steady_clock::now() < end);
  CHECK(row <= 60); // Ten are a run; forty and those on their way may be in memory.
  CHECK(rig.said().find("is tried again") != std::string::npos);
  CHECK(rig.said().find("tried", rig.said().find("tried") + 1) == std::string::npos); // Once.
  std::filesystem::create_directory(folder.path() + "/runs");
  while (is_refused()) {
    REQUIRE(std::chrono::steady_clock::now() < end);
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
  }
  while (rig.named() == 0) {
    REQUIRE(std::chrono::steady_clock::now() < end);
    one_more();
  }
  for (uint64_t hash = 0; hash < static_cast<uint64_t>(row); ++hash)
    REQUIRE(rig.found(hash) == rig.wanted(hash));
}
