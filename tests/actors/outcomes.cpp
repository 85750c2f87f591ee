#include <catch2/catch.hpp>

#include "tests/actors/asked.hpp"
#include "tests/support/deterministic.hpp"

using namespace footfall;
using namespace footfall::test;
using namespace std::chrono_literals;

namespace {

/// The log answers when the test lets it.
struct late_log_fixture : node_fixture {
  late_log_fixture() : node_fixture({}, slow()) { answer(); }
  static memory_log::config slow() {
    memory_log::config out;
    out.manual = true;
    return out;
  }
  void answer() {
    while (log.release() > 0)
      settle();
  }
  std::string outcomes() const {
    return std::to_string(counts.events_accepted) + " accepted, "
           + std::to_string(counts.events_rejected) + " rejected, "
           + std::to_string(counts.events_unknown) + " unknown";
  }
};

} // namespace

SCENARIO_METHOD(late_log_fixture, "an event that may be stored is told with the id that it has",
                "[actor][gateway]") {
  std::vector<event_result> told;
  auto post_it = [&](std::vector<click_event> all) {
    door->ingest(std::move(all), [&](const ingest_reply& x) { told = x.results; });
    settle();
  };
  post_it({click(""), click("a"), click("", "")});
  switch (GENERATE(0, 1, 2)) {
  case 0: advance(6s); break; // The client has gone away.
  case 1: kill("ingestion"); break;
  default: kill("gateway");
  }
  REQUIRE(told.size() == 3);
  CHECK(told[0].status == outcome::unknown);
  const auto id = told[0].event_id;
  CHECK(id.size() == 36);
  answer();
  advance(1s);
  answer();
  post_it({click(id)});
  answer();
  REQUIRE(told.size() == 1);
  CHECK(told[0].status == outcome::accepted);
  for (int i = 0; i < 20; ++i) {
    advance(50ms);
    answer();
  }
  CHECK(clicks_of_page(*this) == 2);
}

SCENARIO_METHOD(late_log_fixture, "an event that is refused is given no id", "[actor][gateway]") {
  std::vector<event_result> told;
  door->ingest({click("", ""), click("")}, [&](const ingest_reply& x) { told = x.results; });
  settle();
  answer();
  REQUIRE(told.size() == 2);
  CHECK(told[0].status == outcome::rejected);
  CHECK(told[0].event_id.empty());
  CHECK(told[1].status == outcome::accepted);
  CHECK(told[1].event_id.size() == 36);
}

SCENARIO_METHOD(late_log_fixture, "an outcome is counted once, as the client was told it",
                "[actor][gateway]") {
  std::vector<outcome> told;
  door->ingest({click("a"), click("x", "")}, [&](ingest_reply x) {
    for (const auto& result : x.results)
      told.push_back(result.status);
  });
  settle();
  CHECK(outcomes() == "0 accepted, 0 rejected, 0 unknown");
  GIVEN("a log that confirms in time") {
    answer();
    CHECK(told == std::vector{outcome::accepted, outcome::rejected});
    CHECK(outcomes() == "1 accepted, 1 rejected, 0 unknown");
  }
  GIVEN("a log that confirms when the client has gone away") {
    advance(6s);
    CHECK(told == std::vector{outcome::unknown, outcome::unknown});
    CHECK(outcomes() == "0 accepted, 0 rejected, 2 unknown");
    answer();
    THEN("nothing is counted a second time, and the event is") {
      CHECK(outcomes() == "0 accepted, 0 rejected, 2 unknown");
      for (int i = 0; i < 20; ++i) {
        advance(50ms);
        answer();
      }
      CHECK(clicks_of_page(*this) == 1);
    }
  }
  GIVEN("ingestion that ends meanwhile") {
    kill("ingestion");
    CHECK(outcomes() == "0 accepted, 0 rejected, 2 unknown");
    answer();
    CHECK(outcomes() == "0 accepted, 0 rejected, 2 unknown");
  }
  GIVEN("a gateway that ends meanwhile") {
    kill("gateway");
    CHECK(outcomes() == "0 accepted, 0 rejected, 2 unknown");
    answer();
    CHECK(outcomes() == "0 accepted, 0 rejected, 2 unknown");
  }
}
