#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <future>
#include <random>
#include <thread>

#include "db/postgres/postgres_store.hpp"
#include "tests/contract/rigs_postgres.hpp"
#include "tests/contract/store_calls.hpp"
#include "tests/support/seed.hpp"

using namespace footfall;
using namespace footfall::test;

namespace {

/// A scratch database and stores on it, where FOOTFALL_TEST_POSTGRES is set.
struct server {
  server() {
    if (const char* admin = std::getenv("FOOTFALL_TEST_POSTGRES"); admin && *admin)
      database = std::make_unique<scratch_database>(admin);
  }
  explicit operator bool() const { return database != nullptr; }
  caf::expected<std::unique_ptr<store>> try_open(size_t waiting_max = 256) const {
    postgres_config settings;
    settings.url = database->url();
    settings.waiting_max = waiting_max;
    return postgres_store::open(settings);
  }
  std::unique_ptr<store> open() const {
    auto out = try_open();
    if (!out)
      FAIL(text_of(out.error()));
    return std::move(*out);
  }
  int64_t number(const std::string& sql) const { return std::stoll(database->run(sql)); }

  std::unique_ptr<scratch_database> database;
};

/// Record `offset` of a partition: every tenth id stands in all partitions.
event_row record(uint32_t partition, int64_t offset) {
  const auto where = offset % 10 == 0 ? std::string("all") : std::to_string(partition);
  return row(offset, where + "-" + std::to_string(offset), "/p" + std::to_string(offset % 7),
             "u" + std::to_string(offset % 23), day_us + offset * 1'000'000);
}

apply_request records(uint32_t partition, int64_t epoch, int64_t first, int64_t next) {
  std::vector<event_row> rows;
  for (auto offset = first; offset < next; ++offset)
    rows.push_back(record(partition, offset));
  return batch(partition, epoch, first, next, std::move(rows));
}

/// As a partition's owner does: applies `total` records whatever happens, and
/// learns from a claim where it stands after a failure.
void apply_all(store& db, uint32_t partition, int64_t total, std::atomic<int64_t>& applies) {
  auto mine = claim(db, partition);
  while (!mine || mine->next_offset < total) {
    if (!mine) {
      std::this_thread::yield();
      mine = claim(db, partition);
      continue;
    }
    const auto next = std::min(total, mine->next_offset + 50);
    auto done = apply(db, records(partition, mine->epoch, mine->next_offset, next));
    ++applies;
    if (done && done->moved)
      mine->next_offset = next;
    else
      mine = claim(db, partition);
  }
}

/// What a connection that was ended left undone is asked for again.
void fold_all(store& db) {
  REQUIRE(eventually([&] {
    const auto all = progress(db);
    bool is_done = all.engaged();
    for (const auto& x : all ? *all : std::vector<partition_state>{}) {
      is_done = is_done && x.folded_offset == x.next_offset;
      fold(db, x.partition, x.folded_offset, x.next_offset);
    }
    return is_done;
  }));
}

void require_counted(const server& at, store& db, int64_t wanted) {
  CHECK(at.number("SELECT count(*) FROM click_events") == wanted);
  fold_all(db);
  CHECK(at.number("SELECT sum(click_count) FROM page_clicks") == wanted);
  CHECK(at.number("SELECT sum(clicks) FROM page_totals") == wanted);
  CHECK(at.number("SELECT sum(clicks) FROM page_series") == wanted);
  CHECK(audit(db)->empty());
}

} // namespace

TEST_CASE("postgres_store neither loses nor repeats when backends die", "[contract][postgres]") {
  server at;
  if (!at)
    return;
  auto db = at.open();
  constexpr uint32_t partitions = 3;
  std::atomic<int64_t> applies{0};
  std::atomic<bool> stop{false};
  // Goes on until the terminations are done; then to a common end.
  std::vector<std::thread> owners;
  std::array<std::atomic<int64_t>, partitions> ends{};
  for (uint32_t p = 0; p < partitions; ++p)
    owners.emplace_back([&, p] {
      for (int64_t end = 500; !stop; end += 500) {
        apply_all(*db, p, end, applies);
        ends[p] = end;
      }
    });
  std::thread folder{[&] {
    while (!stop)
      if (auto all = progress(*db))
        for (const auto& x : *all)
          fold(*db, x.partition, x.folded_offset, x.next_offset);
  }};
  int ended = 0;
  const bool finished = eventually([&] {
    const auto before = applies.load();
    if (!eventually([&] { return applies > before; }))
      return false;
    if (at.database->run("SELECT bool_or(pg_terminate_backend(pid)) FROM (SELECT pid FROM"
                         " pg_stat_activity WHERE datname = current_database() AND"
                         " pid <> pg_backend_pid() AND query LIKE '%own AS%'"
                         " ORDER BY random() LIMIT 1) x")
        == "t")
      ++ended;
    return ended >= 50;
  });
  stop = true;
  for (auto& x : owners)
    x.join();
  folder.join();
  REQUIRE(finished);
  int64_t end = 0;
  for (auto& x : ends)
    end = std::max(end, x.load());
  for (uint32_t p = 0; p < partitions; ++p)
    apply_all(*db, p, end, applies);
  INFO("backends ended: " << ended << ", applies: " << applies);
  require_counted(at, *db, end / 10 + partitions * (end - end / 10));
}

TEST_CASE("postgres_store keeps two owners of a partition apart", "[contract][postgres]") {
  server at;
  if (!at)
    return;
  auto one = at.open();
  auto other = at.open();
  constexpr int64_t total = 5000;
  std::atomic<int64_t> applies{0};
  std::thread duel{[&] { apply_all(*one, 0, total, applies); }};
  apply_all(*other, 0, total, applies);
  duel.join();
  require_counted(at, *one, total);
  // The loser of a takeover changes nothing.
  const auto old = claim(*one, 1)->epoch;
  const auto now = claim(*other, 1)->epoch;
  CHECK_FALSE(apply(*one, records(1, old, 0, 10))->moved);
  CHECK(apply(*other, records(1, now, 0, 10))->moved);
  CHECK_FALSE(apply(*one, records(1, old, 10, 20))->moved);
}

TEST_CASE("postgres_store ends the connection of a stuck owner", "[contract][postgres]") {
  server at;
  if (!at)
    return;
  auto db = at.open();
  const auto before = claim(*db, 0);
  REQUIRE(before);
  // An owner that stopped in the middle of a transaction.
  auto stuck = std::async(std::launch::async, [&] {
    at.database->run(
        "BEGIN; UPDATE partition_progress SET owner_pid = pg_backend_pid(), owner_started = (SELECT"
        " backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()); COMMIT; BEGIN;"
        " UPDATE partition_progress SET next_offset = next_offset + 7; SELECT pg_sleep(60)");
  });
  REQUIRE(eventually([&] {
    return at.number("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
                     " AND datname = current_database()")
           == 1;
  }));
  auto mine = claim(*db, 0);
  CHECK_THROWS(stuck.get());
  REQUIRE(mine);
  CHECK(mine->epoch > before->epoch);
  CHECK(mine->next_offset == 0);
  CHECK(apply(*db, records(0, mine->epoch, 0, 10))->moved);
}

TEST_CASE("postgres_store puts what it refuses into bad_events", "[contract][postgres]") {
  server at;
  if (!at)
    return;
  auto db = at.open();
  const auto epoch = claim(*db, 0)->epoch;
  auto one = records(0, epoch, 0, 300);
  one.rows.erase(one.rows.begin() + 150);
  one.bad.push_back({150, day_us, "undecodable", "raw"});
  std::mt19937_64 random{7};
  one.rows[20].user_id = "\xff\xfe";
  one.rows[21].page_url.clear();
  for (int i = 0; i < 9000; ++i)
    one.rows[21].page_url += static_cast<char>('!' + random() % 90);
  one.rows[299 - 1].event_type = std::string("a\0b", 3);
  auto done = apply(*db, one);
  REQUIRE(done);
  CHECK(done->moved);
  CHECK(done->fresh.size() == 296);
  CHECK(done->fresh[20].row == 22);
  CHECK(claim(*db, 0)->next_offset == 300);
  auto bad = bad_events(*db, 10);
  REQUIRE(bad.size() == 4);
  std::vector<int64_t> offsets;
  for (const auto& x : bad)
    offsets.push_back(x.pos.offset);
  CHECK(offsets == std::vector<int64_t>{20, 21, 150, 299});
  CHECK(bad[0].reason.find("the store refuses it") == 0);
  CHECK_FALSE(bad[0].raw.empty());
  require_counted(at, *db, 296);
}

TEST_CASE("postgres_store applies the same ids to all partitions at once", "[contract][postgres]") {
  server at;
  if (!at)
    return;
  auto db = at.open();
  constexpr uint32_t partitions = 4;
  constexpr int64_t ids = 1000;
  const auto seed = test::new_seed();
  INFO(test::repeated_by(seed));
  std::vector<std::thread> owners;
  std::atomic<int64_t> fresh{0};
  std::atomic<int> failures{0};
  for (uint32_t p = 0; p < partitions; ++p)
    owners.emplace_back([&, p] {
      std::mt19937 random{seed + p};
      const auto epoch = claim(*db, p)->epoch;
      std::vector<int64_t> order(ids);
      for (int64_t i = 0; i < ids; ++i)
        order[static_cast<size_t>(i)] = i;
      std::shuffle(order.begin(), order.end(), random);
      for (int64_t first = 0; first < ids; first += 100) {
        std::vector<event_row> rows;
        for (auto offset = first; offset < first + 100; ++offset) {
          const auto id = order[static_cast<size_t>(offset)];
          rows.push_back(row(offset, "id-" + std::to_string(id),
                             "/p" + std::to_string(random() % 5),
                             "u" + std::to_string(random() % 9)));
        }
        auto done = apply(*db, batch(p, epoch, first, first + 100, std::move(rows)));
        if (done && done->moved)
          fresh += static_cast<int64_t>(done->fresh.size());
        else
          ++failures;
      }
    });
  for (auto& x : owners)
    x.join();
  CHECK(failures == 0);
  CHECK(fresh == ids);
  require_counted(at, *db, ids);
}

TEST_CASE("postgres_store refuses a schema of the future", "[contract][postgres]") {
  server at;
  if (!at)
    return;
  at.open();
  at.database->run("INSERT INTO core.migrations (version, name) VALUES (9999, 'later')");
  auto again = at.try_open();
  REQUIRE_FALSE(again);
  CHECK(text_of(again.error()).find("run a newer Footfall") != std::string::npos);
}

TEST_CASE("postgres_store finds every planted difference", "[contract][postgres]") {
  server at;
  if (!at)
    return;
  auto db = at.open();
  const auto epoch = claim(*db, 0)->epoch;
  REQUIRE(apply(*db, records(0, epoch, 0, 100))->moved);
  fold_all(*db);
  CHECK(audit(*db)->empty());
  const auto* sql = GENERATE("UPDATE core.page_clicks SET clicks = clicks + 1 WHERE user_no = 1",
                             "UPDATE core.page_totals SET clicks = clicks - 1 WHERE page_no = 1",
                             "UPDATE core.page_totals SET users = users + 1 WHERE page_no = 1",
                             "DELETE FROM core.page_series WHERE page_no = 2",
                             "UPDATE core.page_types SET clicks = clicks + 1 WHERE page_no = 4",
                             "DELETE FROM core.events WHERE page_no = 3",
                             "UPDATE partition_progress SET next_offset = 50");
  at.database->run(sql);
  CHECK_FALSE(audit(*db)->empty());
}

TEST_CASE("postgres_store loads a page without a look at its old minutes", "[contract][postgres]") {
  server at;
  if (!at)
    return;
  auto db = at.open();
  const auto epoch = claim(*db, 0)->epoch;
  std::vector<event_row> rows;
  for (int64_t i = 0; i < 200; ++i)
    rows.push_back(row(i, "e" + std::to_string(i), "/a", "u", day_us + i * 60'000'000));
  REQUIRE(apply(*db, batch(0, epoch, 0, 200, std::move(rows)))->moved);
  fold_all(*db);
  const auto first = static_cast<int32_t>(day_us / 60'000'000) + 140;
  // Whoever reads them would count them.
  at.database->run("SET session_replication_role = replica;"
                   "UPDATE core.page_series SET clicks = clicks + 1000 WHERE minute < "
                   + std::to_string(first));
  const auto page = load(*db, {{"default", "/a"}}, first)->values.at(0);
  CHECK(page.clicks == 200);
  REQUIRE(page.by_type.size() == 1);
  CHECK(page.by_type[0].second == 200);
  REQUIRE(page.minutes.size() == 60);
  CHECK(page.minutes.front() == std::pair<int32_t, uint32_t>{first, 1});
}

TEST_CASE("postgres_store shows the reference's names to psql", "[contract][postgres]") {
  server at;
  if (!at)
    return;
  auto db = at.open();
  const auto epoch = claim(*db, 0)->epoch;
  const std::string uuid = "01890a5d-ac96-774b-bcce-b302099a8057";
  REQUIRE(
      apply(*db, batch(0, epoch, 0, 2, {row(0, uuid, "/a", "u"), row(1, "free text", "/a", "u")}))
          ->moved);
  fold_all(*db);
  CHECK(
      at.database->run("SELECT user_id || event_type || page_url || extract(epoch FROM time_stamp)"
                       " FROM click_events WHERE event_id = '"
                       + uuid + "'")
      == "uclick/a1735689600.000000");
  CHECK(at.number("SELECT log_offset FROM click_events WHERE event_id = 'free text'") == 1);
  CHECK(at.database->run("SELECT site_id || user_id || page_url || click_count FROM page_clicks")
        == "defaultu/a2");
}

TEST_CASE("postgres_store says overloaded when too much waits", "[contract][postgres]") {
  server at;
  if (!at)
    return;
  auto db = std::move(*at.try_open(2));
  std::vector<answer<caf::expected<partition_claim>>> replies(40);
  for (auto& x : replies)
    db->claim(0, x.callback());
  int refused = 0;
  for (auto& x : replies)
    if (auto done = x.get(); !done) {
      CHECK(code_of(done.error()) == errc::overloaded);
      ++refused;
    }
  CHECK(refused > 0);
  CHECK(refused < 40);
}

TEST_CASE("postgres_store answers while its server is away", "[contract][postgres]") {
  postgres_config settings;
  settings.url = "postgresql://nobody@127.0.0.1:1/none";
  auto none = postgres_store::open(settings);
  REQUIRE_FALSE(none);
  CHECK(code_of(none.error()) == errc::store_unavailable);
}
