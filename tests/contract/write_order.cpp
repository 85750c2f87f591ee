// Of the changes that wait for a store, the oldest goes first, and the small ones with it.
#include <string>

#include <catch2/catch.hpp>

#include "db/postgres/lane.hpp"
#include "db/sqlite/write_turn.hpp"

using namespace footfall;

namespace {

sqlite::write_call apply_of(size_t rows, int64_t oldest_us) {
  return {{}, {}, {rows, oldest_us, false}};
}

std::vector<size_t> rows_of(const std::vector<sqlite::write_call>& calls) {
  std::vector<size_t> out;
  for (const auto& x : calls)
    out.push_back(x.weight.rows);
  return out;
}

/// A job with a name that fits beside others while together they are not too many.
class named_job final : public postgres::job {
public:
  named_job(std::string name, int64_t since_us, size_t rows)
      : names(std::move(name)), since_us_(since_us), rows_(rows) {}
  bool run(postgres::connection&, bool) override { return true; }
  void fail(caf::error) override {}
  bool absorb(job& other) override {
    auto& more = dynamic_cast<named_job&>(other);
    if (rows_ + more.rows_ > 10)
      return false;
    rows_ += more.rows_;
    names += more.names;
    return true;
  }
  int64_t waits_since_us() const override { return since_us_; }

  std::string names;

private:
  int64_t since_us_;
  size_t rows_;
};

std::string popped(postgres::job_queue& from) {
  auto x = from.pop(std::chrono::milliseconds{0}, /*connected=*/true);
  return x ? dynamic_cast<named_job&>(*x).names : "";
}

} // namespace

TEST_CASE("the partition whose oldest record waits longest is written first",
          "[contract][sqlite]") {
  std::vector<sqlite::write_call> waiting;
  for (const auto& [rows, oldest_us] :
       {std::pair{5'000, 300}, {4'000, 100}, {0, 0}, {2'999, 200}, {10, 900}, {0, 0}, {30, 50}})
    waiting.push_back(apply_of(static_cast<size_t>(rows), oldest_us));
  // Claims first, then by age; the full one that waits least does not fit.
  CHECK(rows_of(sqlite::take_turn(waiting, 8'000))
        == std::vector<size_t>{0, 0, 30, 4'000, 2'999, 10});
  waiting.push_back(apply_of(5'000, 250)); // Came later and is older all the same.
  CHECK(rows_of(sqlite::take_turn(waiting, 8'000)) == std::vector<size_t>{5'000});
  REQUIRE(waiting.size() == 1);
  CHECK(waiting[0].weight.oldest_us == 300);
  waiting.push_back(apply_of(20'000, 1)); // More than a turn: it goes alone.
  CHECK(rows_of(sqlite::take_turn(waiting, 8'000)) == std::vector<size_t>{20'000});
  CHECK(rows_of(sqlite::take_turn(waiting, 8'000)) == std::vector<size_t>{5'000});
  CHECK(waiting.empty());
}

TEST_CASE("one fold goes with a transaction, and the others with the next ones",
          "[contract][sqlite]") {
  std::vector<sqlite::write_call> waiting(3);
  for (auto& x : waiting)
    x.weight.is_fold = true;
  waiting.push_back(apply_of(10, 100));
  waiting.push_back(apply_of(0, 0));
  CHECK(sqlite::take_turn(waiting, 8'000).size() == 3);
  CHECK(sqlite::take_turn(waiting, 8'000).size() == 1);
  CHECK(sqlite::take_turn(waiting, 8'000).size() == 1);
  CHECK(waiting.empty());
}

TEST_CASE("the batch whose oldest record waits longest is sent first", "[contract][postgres]") {
  postgres::job_queue queue{100};
  auto add = [&](const char* name, int64_t since_us, size_t rows) {
    queue.push(std::make_unique<named_job>(name, since_us, rows), "test");
  };
  GIVEN("batches") {
    add("d", 400, 5);
    add("b", 200, 6);
    add("a", 100, 4);
    add("c", 300, 2);
    CHECK(popped(queue) == "ad"); // What fits beside the oldest goes with it.
    CHECK(popped(queue) == "bc");
  }
  GIVEN("a claim that came later") {
    add("b", 200, 10);
    add("claim", 0, 10);
    CHECK(popped(queue) == "claim");
    CHECK(popped(queue) == "b");
  }
  GIVEN("jobs that have no age") {
    add("a", 0, 5);
    add("b", 0, 6);
    add("c", 0, 1);
    CHECK(popped(queue) == "a"); // They keep their order.
    CHECK(popped(queue) == "bc");
  }
  CHECK(popped(queue).empty());
}
