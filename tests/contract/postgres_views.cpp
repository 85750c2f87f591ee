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
