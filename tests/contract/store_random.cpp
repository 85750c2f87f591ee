#include <catch2/catch.hpp>

#include <algorithm>
#include <random>

#include "db/memory/memory_store.hpp"
#include "tests/contract/rigs.hpp"
#include "tests/contract/store_calls.hpp"
#include "tests/support/seed.hpp"

using namespace footfall;
using namespace footfall::test;

namespace {

constexpr int64_t minute_us = 60'000'000;
constexpr uint32_t partitions = 3;

/// A random history, done to two stores alike, and the same questions to both.
class history {
public:
  history(store& oracle, uint32_t seed) : oracle_(oracle), random_(seed) {}

  void step(store& tested) {
    const auto partition = pick(partitions);
    switch (pick(10)) {
    case 0: return claim_both(tested, partition);
    case 1:
    case 2:
    case 3: return fold_both(tested, partition);
    default: return apply_both(tested, partition);
    }
  }

  void compare_all(store& tested);
  uint32_t pick(uint32_t below) { return static_cast<uint32_t>(random_() % below); }

private:
  const char* site() { return pick(4) == 0 ? "shop" : "default"; }
  std::string page() { return "/page" + std::to_string(pick(7)); }
  std::string user() { return "user" + std::to_string(pick(9)); }
  int64_t time() { return day_us + pick(6) * minute_us + pick(1'000'000); }

  event_row random_row(int64_t offset) {
    const char* types[] = {"click", "view", "scroll"};
    auto id = std::to_string(pick(400));
    if (pick(2) == 0)
      id = "0190b3d4-0000-4000-8000-" + std::string(12 - id.size(), '0') + id;
    auto out = row(offset, id, page(), user(), time(), types[pick(3)], site());
    return out;
  }

  void claim_both(store& tested, uint32_t partition) {
    auto a = claim(oracle_, partition);
    auto b = claim(tested, partition);
    REQUIRE(b);
    epochs_[partition] = b->epoch;
    REQUIRE(a->next_offset == b->next_offset);
    REQUIRE(a->folded_offset == b->folded_offset);
  }

  void apply_both(store& tested, uint32_t partition) {
    const auto now = state_of(partition);
    apply_request x;
    x.partition = partition;
    // One in eight is an owner of the past, of the future, or at the wrong offset.
    const int64_t off = pick(8) == 0 ? int64_t{pick(3)} - 1 : 0;
    x.epoch = now.epoch + off;
    x.first_offset =
        std::max<int64_t>(0, now.next_offset + (pick(8) == 0 ? int64_t{pick(5)} - 2 : 0));
    x.next_offset = x.first_offset;
    for (auto n = pick(30); n > 0; --n) {
      const auto offset = x.next_offset++;
      if (pick(12) == 0)
        x.bad.push_back({offset, time() + partition, "reason " + std::to_string(offset), "raw"});
      else
        x.rows.push_back(random_row(offset));
    }
    auto a = apply(oracle_, x);
    x.epoch = epochs_[partition] + off; // Each store gives epochs of its own.
    auto b = apply(tested, x);
    REQUIRE(b);
    REQUIRE(a->moved == b->moved);
    REQUIRE(a->duplicates == b->duplicates);
    REQUIRE(fresh_of(*a) == fresh_of(*b));
    if (b->id_conflicts != 0)
      REQUIRE(a->id_conflicts == b->id_conflicts);
  }

  void fold_both(store& tested, uint32_t partition) {
    const auto now = state_of(partition);
    const int64_t from = now.folded_offset + (pick(8) == 0 ? int64_t{pick(5)} - 2 : 0);
    const int64_t until =
        now.folded_offset + pick(static_cast<uint32_t>(now.next_offset - now.folded_offset) + 3);
    auto a = fold(oracle_, partition, from, until);
    auto b = fold(tested, partition, from, until);
    REQUIRE(b);
    REQUIRE(a->moved == b->moved);
    REQUIRE(a->events == b->events);
    auto clicks = [](const fold_result& x) {
      std::vector<uint64_t> out;
      for (const auto& page : x.pages)
        out.push_back(page.clicks);
      std::sort(out.begin(), out.end());
      return out;
    };
    REQUIRE(clicks(*a) == clicks(*b));
  }

  partition_state state_of(uint32_t partition) {
    const auto all = progress(oracle_);
    for (const auto& x : *all)
      if (x.partition == partition)
        return x;
    return {partition, 0, 0, 0};
  }

  store& oracle_;
  int64_t epochs_[partitions] = {}; ///< Of the tested store.
  std::mt19937 random_;
};

using named = std::vector<std::pair<std::string, uint64_t>>;

void same_names(const caf::expected<snapshot<named_count>>& a,
                const caf::expected<snapshot<named_count>>& b) {
  REQUIRE(b);
  REQUIRE(a->reached == b->reached);
  REQUIRE(a->values.size() == b->values.size());
  for (size_t i = 0; i < a->values.size(); ++i) {
    REQUIRE(a->values[i].name == b->values[i].name);
    REQUIRE(a->values[i].clicks == b->values[i].clicks);
    REQUIRE(a->values[i].users == b->values[i].users);
  }
}

template <class T>
named texts(const std::vector<std::pair<int32_t, T>>& counts,
            const std::vector<std::string>& names) {
  named out;
  for (size_t i = 0; i < counts.size(); ++i)
    out.emplace_back(names.at(i), counts[i].second);
  std::sort(out.begin(), out.end());
  return out;
}

template <class T>
std::vector<int32_t> numbers_of(const std::vector<std::pair<int32_t, T>>& counts) {
  std::vector<int32_t> out;
  for (const auto& x : counts)
    out.push_back(x.first);
  return out;
}

/// Numbers may differ between two stores; what they stand for may not.
void same_page(store& one, const page_load& a, store& other, const page_load& b) {
  REQUIRE(a.clicks == b.clicks);
  REQUIRE(a.users == b.users);
  REQUIRE(a.last_at_us == b.last_at_us);
  REQUIRE(a.minutes == b.minutes);
  REQUIRE(a.users_complete == b.users_complete);
  REQUIRE(texts(a.by_type, *type_names(one, numbers_of(a.by_type)))
          == texts(b.by_type, *type_names(other, numbers_of(b.by_type))));
  REQUIRE(texts(a.user_clicks, *user_names(one, numbers_of(a.user_clicks)))
          == texts(b.user_clicks, *user_names(other, numbers_of(b.user_clicks))));
}

void history::compare_all(store& tested) {
  std::vector<pair_key> pairs;
  std::vector<page_key> pages;
  for (const char* site_id : {"default", "shop", "none"})
    for (int p = 0; p < 8; ++p) {
      pages.push_back({site_id, "/page" + std::to_string(p)});
      for (int u = 0; u < 10; ++u)
        pairs.push_back({site_id, pages.back().page_url, "user" + std::to_string(u)});
    }
  auto a = counts(oracle_, pairs);
  auto b = counts(tested, pairs);
  REQUIRE(b);
  REQUIRE(a->reached == b->reached);
  for (size_t i = 0; i < pairs.size(); ++i) {
    REQUIRE(a->values[i].clicks == b->values[i].clicks);
    REQUIRE(a->values[i].version == b->values[i].version);
  }
  const auto first_minute = static_cast<int32_t>(day_us / minute_us) + 2;
  auto c = load(oracle_, pages, first_minute, 6);
  auto d = load(tested, pages, first_minute, 6);
  REQUIRE(d);
  for (size_t i = 0; i < pages.size(); ++i)
    same_page(oracle_, c->values[i], tested, d->values[i]);
  for (const char* site_id : {"default", "shop", "none"})
    for (const auto& [from, to] :
         std::vector<std::pair<int64_t, int64_t>>{{unset_time, unset_time},
                                                  {day_us + minute_us, unset_time},
                                                  {unset_time, day_us + 3 * minute_us + 1},
                                                  {day_us + 1, day_us + 4 * minute_us}}) {
      same_names(top_pages(oracle_, site_id, from, to, 3), top_pages(tested, site_id, from, to, 3));
      for (const char* url : {"", "/page1", "/none"}) {
        auto e = minutes(oracle_, {site_id, url}, from, to);
        auto f = minutes(tested, {site_id, url}, from, to);
        REQUIRE(e->values.size() == f->values.size());
        for (size_t i = 0; i < e->values.size(); ++i) {
          REQUIRE(e->values[i].at_us == f->values[i].at_us);
          REQUIRE(e->values[i].clicks == f->values[i].clicks);
        }
      }
      same_names(top_users(oracle_, {site_id, "/page2"}, 4),
                 top_users(tested, {site_id, "/page2"}, 4));
    }
  auto g = bad_events(oracle_, 20);
  auto h = bad_events(tested, 20);
  REQUIRE(g.size() == h.size());
  for (size_t i = 0; i < g.size(); ++i) {
    REQUIRE(g[i].pos == h[i].pos);
    REQUIRE(g[i].reason == h[i].reason);
    REQUIRE(g[i].raw == h[i].raw);
  }
  auto differences = audit(tested);
  REQUIRE(differences);
  for (const auto& x : *differences)
    FAIL(x.table << ' ' << x.key << ": " << x.expected << " became " << x.found);
}

} // namespace

TEST_CASE("store answers as the oracle does, whatever happens", "[contract][store][random]") {
  FOOTFALL_RIG(rig, store_rigs);
  static const auto seed = test::new_seed(); // One history for all stores.
  INFO(test::repeated_by(seed));
  memory_store oracle;
  history story{oracle, seed};
  auto tested = rig->open();
  for (int i = 0; i < 400; ++i) {
    story.step(*tested);
    if (i % 40 == 39)
      story.compare_all(*tested);
    if (i % 100 == 50 && rig->keeps_data()) {
      tested.reset();
      tested = rig->open();
    }
  }
}
