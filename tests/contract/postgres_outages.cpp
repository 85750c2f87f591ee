#include <catch2/catch.hpp>

#include <array>
#include <cstdlib>
#include <functional>

#include "db/postgres/postgres_store.hpp"
#include "tests/contract/rigs_postgres.hpp"
#include "tests/contract/store_calls.hpp"

using namespace footfall;
using namespace footfall::test;

namespace {

std::unique_ptr<scratch_database> make_database() {
  const char* admin = std::getenv("FOOTFALL_TEST_POSTGRES");
  return admin && *admin ? std::make_unique<scratch_database>(admin) : nullptr;
}

std::unique_ptr<store> open(const std::string& url) {
  postgres_config config;
  config.url = url;
  auto out = postgres_store::open(config);
  if (!out)
    FAIL(text_of(out.error()));
  return std::move(*out);
}

/// Ends `most` of the sessions that a store has there.
void end_sessions(const scratch_database& at, const std::string& name, int most) {
  at.run_as_admin("SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity WHERE"
                  " application_name = 'footfall' AND datname = '"
                  + name + "' LIMIT " + std::to_string(most) + ") x");
}

} // namespace

TEST_CASE("postgres_store is whole again as soon as one connection is", "[contract][postgres]") {
  const auto at = make_database();
  if (!at)
    return;
  const auto name = at->run("SELECT current_database()");
  const auto db = open(at->url());
  // One for each connection but the second reader's.
  const std::array<std::function<bool()>, 5> kinds{
      [&] { return bool{progress(*db)}; }, [&] { return bool{claim(*db, 0)}; },
      [&] { return bool{claim(*db, 1)}; }, [&] { return bool{fold(*db, 0, 0, 0)}; },
      [&] { return bool{audit(*db)}; }};
  for (const auto& works : kinds)
    REQUIRE(works());
  at->run_as_admin("ALTER DATABASE " + name + " ALLOW_CONNECTIONS false");
  end_sessions(*at, name, 100);
  // Until the pauses between attempts are long.
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{2};
  REQUIRE(eventually([&] {
    for (const auto& works : kinds)
      CHECK_FALSE(works());
    return std::chrono::steady_clock::now() > until;
  }));
  at->run_as_admin("ALTER DATABASE " + name + " ALLOW_CONNECTIONS true");
  REQUIRE(eventually(kinds[0]));
  for (const auto& works : kinds)
    CHECK(works());
}
