#include <catch2/catch.hpp>

#include "actors/model/page_table.hpp"

using namespace footfall;
using model::page_step;
using model::page_table;
using kind = page_step::kind;
using steps = page_table::steps;

namespace {

page_table::limits limits_of(size_t live_max) {
  page_table::limits out;
  out.live_max = live_max;
  out.idle_us = 100;
  return out;
}

struct table_fixture {
  explicit table_fixture(size_t live_max = 2) : table(limits_of(live_max)) { table.start(); }

  steps click(const std::string& page, size_t clicks = 1, uint32_t partition = 0) {
    page_delta x;
    x.page = page;
    x.page_no = page.back();
    x.partition = partition;
    x.next_offset = ++offset;
    x.clicks.resize(clicks);
    return table.click(x, now);
  }
  steps ask(const std::string& page) { return table.ask(page, true, now); }
  steps loaded(size_t pages, int32_t page_no = 1) {
    std::vector<page_load> out(pages);
    for (auto& x : out)
      x.page_no = page_no;
    return table.loaded(out, now);
  }
  /// Folds all that was clicked; of each page so many clicks.
  model::page_tail::news fold(uint64_t clicks) {
    struct row {
      int32_t page_no;
      uint64_t clicks;
    };
    std::vector<row> rows;
    for (int32_t i = 0; i < 128; ++i)
      rows.push_back({i, clicks});
    return table.fold(rows, offset);
  }

  page_table table;
  int64_t offset = 0;
  int64_t now = 0;
};

struct roomy_fixture : table_fixture {
  roomy_fixture() : table_fixture(8) {}
};

} // namespace

TEST_CASE_METHOD(table_fixture, "a question makes its page live, and the load goes to it",
                 "[model][page_table]") {
  CHECK(ask("a") == steps{{kind::spawn, 0}, {kind::deliver, 0}});
  CHECK(table.load() == steps{{kind::load, 0}});
  CHECK(table.page(0) == "a");
  CHECK(table.load().empty()); // One at a time.
  CHECK(ask("a") == steps{{kind::deliver, 0}});
  CHECK(loaded(1) == steps{{kind::give, 0, 0}});
  CHECK(table.load().empty());
  CHECK(click("a") == steps{{kind::deliver, 0}});
}

TEST_CASE_METHOD(table_fixture, "pages that end while a load lasts do not gather",
                 "[model][page_table]") {
  ask("first");
  table.load();
  for (int i = 0; i < 1000; ++i) // Two live at once: each ends another, and takes its place.
    ask(std::to_string(i));
  CHECK(table.loaded(std::vector<page_load>(1), now).empty()); // That one has ended.
  CHECK(table.load().size() == 2);
  CHECK(table.load().empty());
}

TEST_CASE_METHOD(table_fixture, "a count alone makes no page live", "[model][page_table]") {
  CHECK(table.ask("a", false, now) == steps{{kind::refuse}});
  CHECK(click("a") == steps{{kind::spawn, 0}, {kind::deliver, 0}}); // It is known now.
  CHECK(table.ask("a", false, now) == steps{{kind::deliver, 0}});
}

TEST_CASE_METHOD(roomy_fixture, "a quarter of the pages becomes live at the first click",
                 "[model][page_table]") {
  CHECK(click("a").size() == 2);
  CHECK(click("b").size() == 2);
  CHECK(click("c").empty());
  CHECK(click("c").size() == 2);
  for (const char* x : {"d", "e", "f", "g", "h"})
    ask(x);
  CHECK(click("i").empty());
  CHECK(click("i").empty()); // There is no room, and clicks make none.
  CHECK(table.size() == 8);
}

TEST_CASE_METHOD(table_fixture, "the page that was used the longest ago ends first",
                 "[model][page_table]") {
  ask("a");
  ask("b");
  ask("a");
  CHECK(table.newest(10) == std::vector<std::string>{"a", "b"});
  CHECK(ask("c") == steps{{kind::evict, 1}, {kind::spawn, 1}, {kind::deliver, 1}});
  CHECK(table.newest(1) == std::vector<std::string>{"c"});
  CHECK_FALSE(table.find("b"));
  CHECK(*table.find("c") == 1);
}

TEST_CASE_METHOD(table_fixture, "a load goes to the page that it was read for and to no other",
                 "[model][page_table]") {
  ask("a");
  table.load();
  ask("b");
  ask("c"); // "a" ends while it loads.
  click("a");
  ask("a"); // "b" ends before it loads.
  CHECK(loaded(1).empty());
  CHECK(table.load() == steps{{kind::load, *table.find("a")}, {kind::load, *table.find("c")}});
  CHECK(loaded(2) == steps{{kind::give, *table.find("a"), 0}, {kind::give, *table.find("c"), 1}});
}

TEST_CASE_METHOD(table_fixture, "pages that end before they load are not gathered",
                 "[model][page_table]") {
  ask("first");
  table.load();
  for (int i = 0; i < 10'000; ++i)
    ask(std::to_string(i));
  CHECK(loaded(1).empty());
  CHECK(table.load().size() == 2);
  CHECK(table.load().empty());
}

TEST_CASE_METHOD(table_fixture, "a page that nobody ever clicked is answered and not kept",
                 "[model][page_table]") {
  ask("a");
  table.watch("b", now);
  table.load();
  CHECK(loaded(2, 0)
        == steps{{kind::give, 1, 0}, {kind::give, 0, 1}, {kind::evict, 0}}); // "b" is watched.
  CHECK(table.size() == 1);
}

TEST_CASE_METHOD(table_fixture, "who waits for a load that fails is told", "[model][page_table]") {
  ask("a");
  ask("b");
  table.load();
  CHECK(table.load_failed() == steps{{kind::fail, 1}, {kind::fail, 0}});
  CHECK(table.size() == 0);
  ask("c");
  table.load();
  const auto slot = *table.find("c");
  CHECK(loaded(0) == steps{{kind::fail, slot}}); // The store left it out.
}

TEST_CASE_METHOD(table_fixture, "clicks that no loaded page has are told at the fold",
                 "[model][page_table]") {
  click("a"); // Nobody knows the page: not live.
  ask("b");   // Live, and loading.
  table.load();
  click("b");
  CHECK(fold(5).moved.size() == 2);
  CHECK(fold(5).moved.empty());
  loaded(1);
  click("b"); // It tells the cache itself.
  CHECK(fold(5).moved.empty());
  click("c", 5); // All that it has: nobody read an older count.
  CHECK(fold(5).moved.empty());
  page_delta away;
  away.page = "d";
  away.next_offset = ++offset;
  table.click_elsewhere(away);
  CHECK(fold(5).moved.size() == 1);
  CHECK(click("a", 1, 7).size() == 2); // Another partition's: told of by that one.
  CHECK(fold(5).moved.empty());
}

TEST_CASE("too many pages to tell of are all of them", "[model][page_table]") {
  auto most = limits_of(2);
  most.tail_max = 3;
  page_table table{most};
  table.start();
  for (int i = 0; i < 5; ++i) {
    page_delta x;
    x.page = std::to_string(i);
    x.page_no = i;
    x.next_offset = i + 1;
    table.click(x, 0);
  }
  const std::vector<page_load> nothing;
  CHECK(table.fold(nothing, 5).forget);
  CHECK_FALSE(table.fold(nothing, 5).forget);
  table.fold_untold();
  CHECK(table.fold(nothing, 5).forget);
}

TEST_CASE_METHOD(table_fixture, "idle pages end, in the order in which they were used",
                 "[model][page_table]") {
  ask("a");
  now = 50;
  ask("b");
  CHECK(table.sweep(99).empty());
  CHECK(table.sweep(100) == steps{{kind::evict, 0}});
  CHECK(table.sweep(150) == steps{{kind::evict, 1}});
  CHECK(table.size() == 0);
}

TEST_CASE_METHOD(table_fixture, "all pages end at once when whom they tell is another",
                 "[model][page_table]") {
  ask("a");
  ask("b");
  CHECK(table.end_all() == steps{{kind::evict, 0}, {kind::evict, 1}});
  CHECK(table.size() == 0);
  CHECK(table.end_all().empty());
}

TEST_CASE_METHOD(table_fixture, "a partition that does not run has no live pages",
                 "[model][page_table]") {
  ask("a");
  ask("b");
  table.load();
  CHECK(table.stop() == steps{{kind::fail, 0}, {kind::fail, 1}});
  CHECK(ask("a") == steps{{kind::refuse}});
  CHECK(table.watch("a", now).empty());
  CHECK(click("a", 1, 7).empty());
  CHECK(table.load().empty());
  table.start();
  CHECK(ask("a").size() == 2);
  CHECK(loaded(2).empty()); // For pages of before.
  CHECK(table.load().size() == 1);
}

TEST_CASE_METHOD(table_fixture, "a page that dies may have told the cache nothing",
                 "[model][page_table]") {
  ask("a");
  CHECK(table.end(0) == steps{{kind::forget, 0}});
  CHECK(table.size() == 0);
  CHECK(table.load().empty());
}
