#include <catch2/catch.hpp>

#include <cstdlib>
#include <thread>

#include "db/postgres/postgres_store.hpp"
#include "db/postgres/writer.hpp"
#include "tests/contract/rigs_postgres.hpp"
#include "tests/contract/store_calls.hpp"

using namespace footfall;
using namespace footfall::postgres;
using namespace footfall::test;

namespace {

/// An owner of partitions: a writer and its connection.
struct owner {
  explicit owner(const scratch_database& at)
      : now(postgres_config{}.topic, {postgres_config{}.topic, 0, 1}), work(now),
        link(at.url(), writer::session(), never) {
    REQUIRE(!link.ensure());
  }
  int64_t claim(uint32_t partition) {
    auto out = work.claim(link, partition);
    REQUIRE(out);
    return out->epoch;
  }
  std::vector<apply_work> apply(std::vector<apply_request> batches) {
    std::vector<apply_work> out;
    for (auto& x : batches)
      out.push_back({std::move(x), {}, {}, {}});
    work.apply(link, out);
    return out;
  }

  stop_signal never;
  known_generation now;
  writer work;
  connection link;
};

/// A database with the schema, where FOOTFALL_TEST_POSTGRES is set.
std::unique_ptr<scratch_database> make_database() {
  const char* admin = std::getenv("FOOTFALL_TEST_POSTGRES");
  if (!admin || !*admin)
    return nullptr;
  auto out = std::make_unique<scratch_database>(admin);
  postgres_config config;
  config.url = out->url();
  REQUIRE(postgres_store::open(config));
  return out;
}

std::string next_offsets(const scratch_database& at) {
  return at.run("SELECT string_agg(next_offset::text, ' ' ORDER BY part) FROM partition_progress");
}

} // namespace

TEST_CASE("postgres writer applies the batches of several partitions in one statement",
          "[contract][postgres]") {
  auto at = make_database();
  if (!at)
    return;
  owner mine{*at};
  std::vector<int64_t> epochs;
  for (uint32_t partition = 0; partition < 4; ++partition)
    epochs.push_back(mine.claim(partition));
  owner other{*at};
  other.claim(1);
  // Twice: by the statement for duplicates, then by the plain one, which falls back.
  for (const int64_t first : {0, 3}) {
    const auto id = [first](const char* name) { return name + std::to_string(first); };
    // In no order of the partitions.
    auto done = mine.apply({
        batch(2, epochs[2], first, first + 3,
              {row(first, id("shared"), "/c", "u"), row(first + 1, id("a"), "/other", "u"),
               row(first + 2, id("c"), "/c", "u")}),
        batch(1, epochs[1], first, first + 3,
              {row(first, id("shared"), "/b", "u"), row(first + 1, id("b"), "/b", "u")}),
        batch(0, epochs[0], first, first + 3,
              {row(first, id("a"), "/a", "u"), row(first + 1, id("a"), "/a", "u"),
               row(first + 2, id("d"), "/a", "v")}),
        batch(3, epochs[3], first + 1, first + 2, {row(first + 1, id("e"), "/e", "u")}),
    });
    for (const auto& x : done)
      CHECK(!x.failure);
    CHECK(done[0].out.moved);
    CHECK(fresh_of(done[0].out) == std::vector<uint32_t>{0, 2});
    CHECK(done[0].out.duplicates == 1);
    CHECK(done[0].out.id_conflicts == 1);
    CHECK_FALSE(done[1].out.moved); // Taken over: its ids are free for the others.
    CHECK(done[1].out.fresh.empty());
    CHECK(done[1].out.duplicates == 0);
    CHECK(done[2].out.moved);
    CHECK(fresh_of(done[2].out) == std::vector<uint32_t>{0, 2});
    CHECK(done[2].out.duplicates == 1);
    CHECK(done[2].out.id_conflicts == 0);
    CHECK_FALSE(done[3].out.moved); // Not where the partition stands.
    CHECK(next_offsets(*at) == (first == 0 ? "3 0 3 0" : "6 0 6 0"));
    // One transaction, so one commit for all.
    CHECK(at->run("SELECT count(DISTINCT xmin::text) FROM core.events WHERE position & 255 >= "
                  + std::to_string(first))
          == "1");
    for (int i = 0; first == 0 && i < 20; ++i) // Nothing new, and no duplicate.
      mine.apply({batch(0, epochs[0], 3, 3, {})});
  }
  CHECK(at->run("SELECT count(*) FROM click_events") == "8");
}

TEST_CASE("postgres writer refuses one record and applies all around it", "[contract][postgres]") {
  auto at = make_database();
  if (!at)
    return;
  owner mine{*at};
  std::vector<apply_request> batches;
  for (uint32_t partition = 0; partition < 5; ++partition) {
    auto all = batch(partition, mine.claim(partition), 0, 40, {});
    for (int64_t offset = 0; offset < 39; ++offset)
      all.rows.push_back(row(offset, std::to_string(partition) + "-" + std::to_string(offset), "/p",
                             "u" + std::to_string(offset)));
    all.bad.push_back({39, day_us, "undecodable", "raw"});
    batches.push_back(std::move(all));
  }
  batches[3].rows[17].user_id = "\xff\xfe";
  const auto done = mine.apply(std::move(batches));
  for (size_t i = 0; i < done.size(); ++i) {
    CHECK(!done[i].failure);
    CHECK(done[i].out.moved);
    CHECK(done[i].out.fresh.size() == (i == 3 ? 38 : 39));
  }
  CHECK(next_offsets(*at) == "40 40 40 40 40");
  CHECK(at->run("SELECT count(*) FROM click_events") == "194");
  CHECK(at->run("SELECT string_agg(part || ':' || log_offset, ' ' ORDER BY part, log_offset)"
                " FROM bad_events")
        == "0:39 1:39 2:39 3:17 3:39 4:39");
}

TEST_CASE("postgres writer says of every batch that a lost answer leaves it open",
          "[contract][postgres]") {
  auto at = make_database();
  if (!at)
    return;
  owner mine{*at};
  const auto first = mine.claim(0), second = mine.claim(1);
  at->run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
          " WHERE datname = current_database() AND pid <> pg_backend_pid()");
  auto done = mine.apply({batch(0, first, 0, 1, {row(0, "a", "/a", "u")}),
                          batch(1, second, 0, 1, {row(0, "b", "/b", "u")})});
  for (const auto& x : done) {
    CHECK(code_of(x.failure) == errc::store_unavailable);
    CHECK_FALSE(x.out.moved);
  }
  REQUIRE(!mine.link.ensure()); // A new connection: the rows name it before anything moves.
  done = mine.apply({batch(0, first, 0, 1, {row(0, "a", "/a", "u")}),
                     batch(1, second - 1, 0, 1, {row(0, "b", "/b", "u")})});
  CHECK(done[0].out.moved);
  CHECK_FALSE(done[1].out.moved);
  CHECK(next_offsets(*at) == "1 0");
}

TEST_CASE("postgres writer sees a takeover that it had to wait for", "[contract][postgres]") {
  auto at = make_database();
  if (!at)
    return;
  owner mine{*at};
  const auto first = mine.claim(0), second = mine.claim(1);
  stop_signal never;
  connection other{at->url(), "", never};
  REQUIRE(!other.ensure());
  REQUIRE(other.exec("BEGIN; UPDATE partition_progress SET epoch = epoch + 1 WHERE part = 0").ok());
  std::vector<apply_work> done;
  std::thread applies{[&] {
    done = mine.apply({batch(0, first, 0, 1, {row(0, "a", "/a", "u")}),
                       batch(1, second, 0, 1, {row(0, "a", "/b", "u")})});
  }};
  const bool waited = eventually([&] {
    return at->run("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                   " AND datname = current_database()")
           == "1";
  });
  const bool committed = other.exec("COMMIT").ok();
  applies.join();
  CHECK(waited);
  CHECK(committed);
  CHECK_FALSE(done[0].out.moved);
  CHECK(done[1].out.moved);
  CHECK(fresh_of(done[1].out) == std::vector<uint32_t>{0});
  CHECK(next_offsets(*at) == "0 1");
}

TEST_CASE("a temporary text lives as long as the parameters", "[contract][postgres]") {
  parameters values;
  for (int i = 0; i < 100; ++i)
    values.add_text(std::string(100, static_cast<char>('a' + i % 26)));
  for (int i = 0; i < 100; ++i)
    CHECK(std::string_view(values.values()[i], 100)
          == std::string(100, static_cast<char>('a' + i % 26)));
}
