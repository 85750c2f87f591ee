#include <catch2/catch.hpp>

#include <cstdlib>

#include "db/postgres/postgres_store.hpp"
#include "tests/contract/rigs_postgres.hpp"
#include "tests/contract/store_calls.hpp"

using namespace footfall;
using namespace footfall::test;

TEST_CASE("the views of postgres_store are read in one go before anybody analyzed",
          "[contract][postgres]") {
  const char* admin = std::getenv("FOOTFALL_TEST_POSTGRES");
  if (!admin || !*admin)
    return;
  scratch_database database{admin};
  postgres_config settings;
  settings.url = database.url();
  auto opened = postgres_store::open(settings);
  REQUIRE(opened);
  auto& db = **opened;
  for (const char* table : {"events", "pages", "users", "page_clicks", "page_totals"})
    database.run("ALTER TABLE core." + std::string(table) + " SET (autovacuum_enabled = false)");
  const auto epoch = claim(db, 0)->epoch;
  constexpr int64_t total = 20'000, step = 1'000, pages = 1'500;
  for (int64_t first = 0; first < total; first += step) {
    std::vector<event_row> rows;
    for (auto offset = first; offset < first + step; ++offset)
      rows.push_back(row(offset, "e" + std::to_string(offset),
                         "/p" + std::to_string(offset % pages), "u" + std::to_string(offset)));
    REQUIRE(apply(db, batch(0, epoch, first, first + step, std::move(rows)))->moved);
  }
  REQUIRE(fold(db, 0, 0, total)->moved);
  // A plan that goes through the events once a page takes 20 s here.
  auto rows_of = [&](const std::string& view) {
    return std::stoll(database.run("SET statement_timeout = '3s'; SELECT count(page_url) FROM "
                                   + view + " WHERE site_id = 'default'"));
  };
  CHECK(rows_of("click_events") == total);
  CHECK(rows_of("page_clicks") == total);
  CHECK(rows_of("page_totals") == pages);
  CHECK(rows_of("page_series") == pages);
}

TEST_CASE("postgres_store finds what differs of one page", "[contract][postgres]") {
  const char* admin = std::getenv("FOOTFALL_TEST_POSTGRES");
  if (!admin || !*admin)
    return;
  scratch_database database{admin};
  postgres_config settings;
  settings.url = database.url();
  auto opened = postgres_store::open(settings);
  REQUIRE(opened);
  auto db = std::move(*opened);
  const auto epoch = claim(*db, 0)->epoch;
  REQUIRE(apply(*db, batch(0, epoch, 0, 3,
                           {row(0, "e0", "/a", "u", 60'000'000), row(1, "e1", "/b", "u", 0),
                            row(2, "e2", "/a", "v", 0)}))
              ->moved);
  REQUIRE(fold(*db, 0, 0, 3)->moved);
  const auto* sql =
      GENERATE("UPDATE core.page_clicks SET clicks = clicks + 1",
               "UPDATE core.page_totals SET clicks = clicks - 1",
               "UPDATE core.page_totals SET users = users + 1", "DELETE FROM core.page_series",
               "UPDATE core.page_types SET clicks = clicks + 1",
               "DELETE FROM core.events WHERE user_no = 2");
  database.run(std::string(sql)
               + (std::string(sql).find("WHERE") == std::string::npos ? " WHERE " : " AND ")
               + "page_no = (SELECT page_no FROM core.pages WHERE page_url = '/a')");
  const auto of_a = audit_page(*db, {"default", "/a"});
  REQUIRE(of_a);
  REQUIRE_FALSE(of_a->differences.empty());
  const std::string changed(sql);
  const bool is_raw = changed.find("core.events") != std::string::npos;
  CHECK(of_a->rows == (is_raw ? 1 : 2));
  for (const auto& x : of_a->differences) {
    CHECK(x.key.find("/a") != std::string::npos);
    CHECK((is_raw || changed.find(x.table) != std::string::npos));
  }
  const auto of_b = audit_page(*db, {"default", "/b"});
  REQUIRE(of_b);
  CHECK(of_b->differences.empty());
  CHECK(of_b->rows == 1);
}
