// Few words about what fails: when it begins, each minute, when it is over.
#include <random>

#include <catch2/catch.hpp>

#include "actors/model/trouble_report.hpp"
#include "tests/support/seed.hpp"

using namespace footfall;
using model::trouble_report;

namespace {

constexpr int64_t second = 1'000'000;

struct watched {
  trouble_report report{"store"};
  int64_t now = 1000 * second;
  std::vector<std::string> lines;

  /// Seconds with one look each.
  void pass(int seconds, const std::string& why) {
    for (int i = 0; i < seconds; ++i) {
      now += second;
      if (auto line = report.heed(why, now); !line.empty())
        lines.push_back(line);
    }
  }
};

} // namespace

TEST_CASE("what works is no news", "[model][trouble_report]") {
  watched x;
  x.pass(1000, "");
  CHECK(x.lines.empty());
  CHECK_FALSE(x.report.open());
}

TEST_CASE("a trouble is told at its begin, each minute and at its end", "[model][trouble_report]") {
  watched x;
  x.pass(1, "no route");
  CHECK(x.lines == std::vector<std::string>{"store fails: no route"});
  CHECK(x.report.open());
  x.pass(59, "no route");
  CHECK(x.lines.size() == 1);
  x.pass(1, "no space"); // Told with the reason of now.
  CHECK(x.lines.back() == "store has failed for 60 s: no space");
  x.pass(120, "no space");
  CHECK(x.lines.size() == 4);
  x.pass(2, "");
  CHECK(x.lines.size() == 4);
  x.pass(5, "");
  REQUIRE(x.lines.size() == 5);
  CHECK(x.lines.back() == "store works again, after 180 s");
  CHECK_FALSE(x.report.open());
  x.pass(500, "");
  CHECK(x.lines.size() == 5);
}

TEST_CASE("what fails now and then is one trouble", "[model][trouble_report]") {
  watched x;
  for (int i = 0; i < 60; ++i) {
    x.pass(1, "refused");
    x.pass(2, "");
  }
  CHECK(x.lines.size() == 1 + 2); // Three minutes.
  x.pass(10, "");
  CHECK(x.lines.size() == 4);
}

TEST_CASE("what is over and comes back is calm for longer each time", "[model][trouble_report]") {
  watched x;
  for (int i = 0; i < 100; ++i) {
    x.pass(1, "refused");
    x.pass(6, "");
  }
  // 700 seconds: a begin and an end twice at most, then one trouble with its minutes.
  CHECK(x.lines.size() <= 4 + 12);
  x.pass(400, "");
  CHECK(x.lines.back().find("works again") != std::string::npos);
  const auto told = x.lines.size();
  x.pass(1, "refused"); // Long after: as if it were the first one.
  x.pass(4, "");
  CHECK(x.lines.size() == told + 2);
}

TEST_CASE("a trouble shorter than the patience is not told", "[model][trouble_report]") {
  watched x;
  trouble_report::pace how;
  how.patience = std::chrono::seconds(3);
  x.report = trouble_report{"partition 0", how};
  x.pass(3, "slow");
  x.pass(1, "");
  x.pass(3, "slow");
  CHECK(x.lines.empty());
  x.pass(1, "slow");
  CHECK(x.lines == std::vector<std::string>{"partition 0 fails: slow"});
}

TEST_CASE("however it fails, a minute has few lines", "[model][trouble_report]") {
  const auto seed = test::new_seed();
  INFO(test::repeated_by(seed));
  std::mt19937 random{seed};
  watched x;
  for (int i = 0; i < 3600; ++i)
    x.pass(1, random() % 10 < 3 ? "refused" : "");
  // Sixty minutes, and what begins and ends within them.
  CHECK(x.lines.size() <= 60 + 2 * 10);
}
