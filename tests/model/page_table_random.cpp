// The table of pages against an oracle that counts: what it says is done by aggregators, a
// store and a cache of a few lines each.
#include <catch2/catch.hpp>

#include <algorithm>
#include <deque>
#include <map>
#include <random>
#include <set>

#include "actors/model/page_table.hpp"

using namespace footfall;
using model::page_step;
using model::page_table;
using kind = page_step::kind;

namespace {

constexpr size_t live_max = 4;
constexpr int pages = 9;

/// A live page: what it would be told, and what it would know.
struct aggregator {
  std::string page;
  bool loaded = false;
  uint64_t clicks = 0;
  int64_t reached = 0;
  std::vector<std::pair<int64_t, uint64_t>> early;
  std::vector<int> asked; ///< Who waits.
};

struct world {
  explicit world(unsigned seed) : random{seed}, table{limits()} { table.start(); }

  static page_table::limits limits() {
    page_table::limits out;
    out.live_max = live_max;
    out.idle_us = 200;
    out.loads_at_once = 3;
    out.tail_max = 6;
    return out;
  }
  unsigned pick(unsigned below) { return static_cast<unsigned>(random() % below); }
  std::string any_page() { return "page " + std::to_string(pick(pages)); }

  void answer(int who) { REQUIRE(open.erase(who) == 1); } // Once, and nobody else.
  void answer_all(aggregator& x) {
    for (auto who : std::exchange(x.asked, {}))
      answer(who);
  }
  aggregator& live(uint32_t slot) {
    REQUIRE(slots.count(slot) == 1);
    return slots.at(slot);
  }
  /// All that can be wrong with a loaded page: it has each committed click once.
  void check(const aggregator& x) {
    INFO(x.page);
    REQUIRE(x.clicks == clicks[x.page]);
  }
  /// The cache keeps no count that is older.
  void tell_cache(const std::string& page, uint64_t version) {
    if (auto at = cached.find(page); at != cached.end() && at->second < version)
      cached.erase(at);
  }

  void spawn(uint32_t slot, const std::string& page) {
    REQUIRE(slots.count(slot) == 0);
    for (const auto& [number, x] : slots)
      REQUIRE(x.page != page);
    slots[slot].page = page;
    REQUIRE(slots.size() <= live_max);
    REQUIRE(table.page(slot) == page);
  }
  void end(uint32_t slot) {
    answer_all(live(slot));
    slots.erase(slot);
  }
  void give(uint32_t slot, const page_load& found, int64_t reached) {
    auto& x = live(slot);
    REQUIRE_FALSE(x.loaded);
    x.loaded = true;
    x.clicks = found.clicks;
    for (const auto& [offset, more] : x.early)
      x.clicks += offset > reached ? more : 0;
    check(x);
    tell_cache(x.page, x.clicks);
    answer_all(x);
  }

  /// Does what is said, but for what only one kind of input leads to.
  template <class Deliver>
  void obey(const page_table::steps& all, const std::string& page, Deliver deliver) {
    for (const auto& x : all)
      switch (x.what) {
      case kind::spawn: spawn(x.slot, page); break;
      case kind::deliver: deliver(live(x.slot)); break;
      case kind::evict:
      case kind::fail: end(x.slot); break;
      case kind::forget: cached.clear(); break;
      default: FAIL("not of this input");
      }
  }

  void click() {
    page_delta x;
    x.page = any_page();
    x.page_no = x.page.back();
    x.clicks.resize(1 + pick(2));
    x.next_offset = ++offset;
    const auto page = x.page;
    const auto more = x.clicks.size();
    clicks[page] += more;
    unfolded.emplace_back(page, more);
    obey(table.click(x, now), page, [&](aggregator& to) {
      if (!to.loaded) {
        to.early.emplace_back(offset, more);
        return;
      }
      to.clicks += more;
      check(to);
      tell_cache(to.page, to.clicks);
    });
  }

  void ask() {
    const auto page = any_page();
    const auto who = ++askers;
    open.insert(who);
    auto steps = table.ask(page, pick(4) != 0, now);
    if (steps.size() == 1 && steps[0].what == kind::refuse) {
      answer(who); // By the store, and the cache takes it.
      if (clicks[page] != 0)
        cached[page] = clicks[page];
      return;
    }
    obey(steps, page, [&](aggregator& to) {
      to.asked.push_back(who);
      if (!to.loaded)
        return;
      check(to);
      answer_all(to);
      cached[page] = to.clicks;
    });
    REQUIRE((open.count(who) == 0 || std::any_of(slots.begin(), slots.end(), [&](const auto& x) {
               return x.second.page == page && !x.second.loaded;
             })));
  }

  void read() {
    const auto steps = table.load();
    if (steps.empty())
      return;
    REQUIRE(reading.empty());
    for (const auto& x : steps) {
      REQUIRE(x.what == kind::load);
      page_load found;
      found.clicks = clicks[table.page(x.slot)];
      found.page_no = found.clicks == 0 ? 0 : 1;
      reading.push_back(found);
    }
    read_at = offset;
  }

  void take_read(bool fails) {
    if (reading.empty())
      return;
    const auto found = std::exchange(reading, {});
    if (fails)
      return obey(table.load_failed(), {}, [](aggregator&) {});
    for (const auto& x : table.loaded(found, now))
      if (x.what == kind::give)
        give(x.slot, found.at(x.index), read_at);
      else
        obey({x}, {}, [](aggregator&) {});
  }

  /// All but the last few clicks.
  void fold() {
    const auto left = std::min<size_t>(pick(4), unfolded.size());
    std::set<std::string> changed;
    while (unfolded.size() > left) {
      folded[unfolded.front().first] += unfolded.front().second;
      changed.insert(unfolded.front().first);
      unfolded.pop_front();
    }
    struct row {
      int32_t page_no;
      uint64_t clicks;
    };
    std::vector<row> rows;
    for (const auto& page : changed)
      rows.push_back({page.back(), folded[page]});
    const auto news = table.fold(rows, offset - static_cast<int64_t>(left));
    if (news.forget)
      cached.clear();
    for (const auto& [page, version] : news.moved)
      tell_cache(page, version);
    for (const auto& [page, version] : cached) {
      INFO(page);
      REQUIRE(version >= folded[page]);
    }
  }

  void stop_and_start() {
    obey(table.stop(), {}, [](aggregator&) {});
    REQUIRE(slots.empty());
    reading.clear();
    cached.clear(); // At the claim.
    for (int i = 0; i < 3; ++i)
      ask();
    table.start();
  }

  void turn() {
    now += pick(20);
    const auto what = pick(100);
    if (what < 40)
      click();
    else if (what < 60)
      ask();
    else if (what < 75)
      read();
    else if (what < 87)
      take_read(pick(5) == 0);
    else if (what < 95)
      fold();
    else if (what < 97)
      obey(table.sweep(now), {}, [](aggregator&) {});
    else if (what < 98 && !slots.empty())
      obey_end(slots.begin()->first);
    else if (what == 99)
      stop_and_start();
    REQUIRE(table.size() == slots.size());
  }

  /// A page dies: who waits for it is answered by their deadline.
  void obey_end(uint32_t slot) {
    answer_all(slots.at(slot));
    slots.erase(slot);
    const auto steps = table.end(slot);
    REQUIRE(steps == page_table::steps{{kind::forget, slot}});
    cached.clear();
  }

  std::mt19937 random;
  page_table table;
  int64_t now = 0;
  int64_t offset = 0;
  std::map<uint32_t, aggregator> slots;
  std::map<std::string, uint64_t> clicks; ///< Committed.
  std::map<std::string, uint64_t> folded;
  std::deque<std::pair<std::string, uint64_t>> unfolded;
  std::map<std::string, uint64_t> cached; ///< Versions.
  std::vector<page_load> reading;
  int64_t read_at = 0;
  int askers = 0;
  std::set<int> open; ///< Not answered.
};

} // namespace

TEST_CASE("whatever happens, pages are exact and every asker is answered once",
          "[model][page_table]") {
  const auto first = Catch::rngSeed();
  for (unsigned i = 0; i < 300; ++i) {
    const auto seed = first + i;
    INFO("--rng-seed " << seed);
    world x{seed};
    for (int turn = 0; turn < 600; ++turn)
      x.turn();
    x.take_read(false);
    for (int k = 0; k < 10; ++k) {
      x.read();
      x.take_read(false);
    }
    REQUIRE(x.open.empty());
    for (const auto& [slot, live] : x.slots)
      x.check(live);
  }
}
