// A live page against rows that are counted one by one, and under floods.
#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <random>

#include "actors/model/page_state.hpp"
#include "actors/model/page_table.hpp"

using namespace footfall;
using model::page_state;

namespace {

constexpr int64_t minute_us = 60'000'000;
constexpr int64_t now_us = 29'000'000 * minute_us;

struct batch {
  uint32_t partition = 0;
  int64_t next_offset = 0;
  std::vector<page_delta::click> clicks;
};

page_delta delta_of(const batch& x) {
  page_delta out;
  out.page_no = 1;
  out.partition = x.partition;
  out.next_offset = x.next_offset;
  out.clicks = x.clicks;
  return out;
}

/// What a store has after some batches, and where its partitions stand.
struct stored {
  std::vector<page_delta::click> rows;
  std::map<uint32_t, int64_t> next;

  void add(const batch& x) {
    rows.insert(rows.end(), x.clicks.begin(), x.clicks.end());
    next[x.partition] = x.next_offset;
  }
  page_load load() const {
    page_load out;
    std::map<int32_t, uint64_t> types;
    std::map<int32_t, uint32_t> minutes, users;
    out.page_no = rows.empty() ? 0 : 1;
    for (const auto& x : rows) {
      ++out.clicks;
      ++types[x.type_no];
      ++minutes[model::minute_of(x.at_us)];
      ++users[x.user_no];
      out.last_at_us = std::max(out.last_at_us, x.at_us);
    }
    out.users = users.size();
    out.keep_first(types, minutes);
    out.user_clicks.assign(users.begin(), users.end());
    return out;
  }
  std::vector<position> reached() const {
    std::vector<position> out;
    for (const auto& [partition, offset] : next)
      out.push_back({partition, offset - 1});
    return out;
  }
};

struct history {
  explicit history(unsigned seed) : random{seed} {}

  batch next() {
    batch out;
    out.partition = random() % 2;
    out.next_offset = ends[out.partition] += 1 + static_cast<int64_t>(random() % 5);
    for (auto i = random() % 4 + 1; i > 0; --i)
      out.clicks.push_back({static_cast<int32_t>(1 + random() % 9),
                            static_cast<int32_t>(1 + random() % 5),
                            now_us - static_cast<int64_t>(random() % 50) * minute_us});
    return out;
  }
  std::mt19937 random;
  std::map<uint32_t, int64_t> ends;
};

} // namespace

TEST_CASE("a page has each click once, however its load and its clicks overlap",
          "[model][page_state]") {
  const auto first = Catch::rngSeed();
  for (unsigned i = 0; i < 300; ++i) {
    const auto seed = first + i;
    INFO("--rng-seed " << seed);
    history more{seed};
    stored all;
    std::vector<batch> batches;
    for (int k = 0; k < 30; ++k) {
      batches.push_back(more.next());
      all.add(batches.back());
    }
    // The page is live from `begin` on, is read at `read` and given that at `given`.
    const auto begin = more.random() % 10;
    const auto read = begin + more.random() % 10;
    const auto given = read + more.random() % 10;
    stored snapshot;
    for (size_t k = 0; k < read; ++k)
      snapshot.add(batches[k]);
    page_state live;
    for (size_t k = begin; k < batches.size(); ++k) {
      if (k == given)
        live.load(snapshot.load(), snapshot.reached());
      live.apply(delta_of(batches[k]), now_us);
      if (more.random() % 4 == 0)
        live.apply(delta_of(batches[k]), now_us); // Told again: it changes nothing.
    }
    const auto want = all.load();
    REQUIRE(live.clicks() == want.clicks);
    REQUIRE(live.users() == want.users);
    REQUIRE(live.differences(want).empty());
    const auto hour = live.last_hour(now_us);
    uint64_t in_hour = 0;
    for (auto x : hour)
      in_hour += x;
    REQUIRE(in_hour == want.clicks);
  }
}

TEST_CASE("the top users are the first of all, with those that tie", "[model][page_state]") {
  const auto seed = Catch::rngSeed();
  CAPTURE(seed);
  std::mt19937 random{seed};
  stored all;
  batch x{0, 1, {}};
  for (int i = 0; i < 3'000; ++i)
    x.clicks.push_back({static_cast<int32_t>(1 + random() % 400), 1, now_us});
  all.add(x);
  page_state live;
  live.load(all.load(), {});
  std::vector<uint64_t> sorted;
  for (const auto& [user_no, clicks] : all.load().user_clicks)
    sorted.push_back(clicks);
  std::sort(sorted.rbegin(), sorted.rend());
  for (uint32_t limit : {1u, 10u, 100u, 399u, 1'000u}) {
    const auto top = live.top_users(limit);
    const auto least = limit < sorted.size() ? sorted[limit] : 0;
    REQUIRE(top.size()
            == static_cast<size_t>(
                std::count_if(sorted.begin(), sorted.end(), [=](auto n) { return n >= least; })));
    for (size_t i = 0; i < top.size(); ++i) {
      REQUIRE(top[i].clicks == sorted[i]);
      REQUIRE(live.clicks_of(top[i].number) == top[i].clicks);
    }
  }
}

TEST_CASE("a click costs the same however many users there are", "[model][page_state]") {
  page_state x;
  x.load({}, {});
  for (int32_t round = 0; round < 500; ++round) {
    batch more{0, round + 1, {}};
    for (int32_t i = 0; i < 1'000; ++i)
      more.clicks.push_back({round * 1'000 + i, 1, now_us});
    const auto changed = x.apply(delta_of(more), now_us);
    REQUIRE(changed.size() == 1'000);
  }
  CHECK(x.users() == 500'000);
  CHECK(x.clicks() == 500'000);
  CHECK(x.by_type().size() == 1);
  x.forget_details();
  CHECK(x.apply(delta_of({0, 501, {{1, 1, now_us}}}), now_us).empty());
  CHECK(x.users() == 0);
  CHECK(x.clicks() == 500'001);
}

TEST_CASE("a flood of pages makes a quarter of them live, and is not remembered",
          "[model][page_table]") {
  model::page_table::limits most;
  most.live_max = 400;
  most.tail_max = 1'000;
  model::page_table table{most};
  table.start();
  int64_t offset = 0;
  for (int i = 0; i < 500'000; ++i) {
    page_delta x;
    x.page = "/invented/" + std::to_string(i);
    x.page_no = i;
    x.next_offset = ++offset;
    x.clicks.resize(1);
    for (const auto& step : table.click(x, i))
      REQUIRE(step.what != model::page_step::kind::evict);
  }
  CHECK(table.size() == 100);
  CHECK(table.load().size() == 100);
  CHECK(table.fold(std::vector<page_load>{}, offset).forget);
  CHECK(table.newest(1'000).size() == 100);
}
