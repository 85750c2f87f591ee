#include <catch2/catch.hpp>

#include <map>
#include <set>

#include "actors/model/active_visitors.hpp"
#include "proto/site_text.hpp"
#include "tests/support/seed.hpp"

using namespace footfall;
using model::active_visitors;

namespace {

constexpr int64_t now_s = 1'700'000'000;
constexpr int64_t window_s = active_visitors::window_s;

struct clicked {
  int32_t user_no;
  int64_t at_s;
};

page_delta on(const std::string& page, int32_t page_no, std::vector<clicked> all) {
  page_delta out;
  out.page = in_site(default_site, page);
  out.page_no = page_no;
  for (const auto& x : all)
    out.clicks.push_back({x.user_no, 1, x.at_s * 1'000'000 + 999'999});
  return out;
}

active_visitors::view seen(active_visitors& of, int64_t at_s = now_s, const char* page = "",
                           size_t most = 10) {
  return of.read(default_site, page, most, at_s);
}

/// "page visitors/clicks ..."
std::string text_of(const active_visitors::view& x) {
  std::string out;
  for (const auto& page : x.pages)
    out += (out.empty() ? "" : " ") + page.page_url + ' ' + std::to_string(page.visitors) + '/'
           + std::to_string(page.clicks);
  return out;
}

} // namespace

TEST_CASE("each user counts once, and once on each page", "[model][active]") {
  active_visitors x{100};
  x.begin(now_s - 1000);
  x.add(on("/a", 1, {{1, now_s}, {2, now_s}, {1, now_s - 1}}), now_s);
  x.add(on("/b", 2, {{2, now_s - 3}}), now_s);
  const auto all = seen(x);
  CHECK(text_of(all) == "/a 2/3 /b 1/1");
  CHECK(all.users == std::vector<int32_t>{1, 2});
  CHECK(all.clicks == 4);
  CHECK(all.all_pages == 2);
  CHECK(all.missing_s == 0);
  CHECK_FALSE(all.is_full);
  const auto one = seen(x, now_s, "/b");
  CHECK(text_of(one) == "/b 1/1");
  CHECK(one.users == std::vector<int32_t>{2});
  CHECK(text_of(seen(x, now_s, "", 1)) == "/a 2/3");
  CHECK(seen(x, now_s, "", 1).all_pages == 2);
  CHECK(x.read("other", "", 10, now_s).all_pages == 0);
}

TEST_CASE("the window goes second by second", "[model][active]") {
  active_visitors x{100};
  x.begin(now_s - 1000);
  x.add(on("/a", 1, {{1, now_s}, {2, now_s - window_s + 1}, {3, now_s - window_s}}), now_s);
  CHECK(text_of(seen(x)) == "/a 2/2"); // The third was too old when it came.
  CHECK(text_of(seen(x, now_s + 1)) == "/a 1/1");
  CHECK(text_of(seen(x, now_s + window_s - 1)) == "/a 1/1");
  CHECK(text_of(seen(x, now_s + window_s)).empty());
  x.add(on("/b", 2, {{7, now_s + 9999}}), now_s + window_s); // Dated ahead: of now.
  CHECK(text_of(seen(x, now_s + window_s)) == "/b 1/1");
  CHECK(text_of(seen(x, now_s + 2 * window_s)).empty());
}

TEST_CASE("what came before it began is known to be missing", "[model][active]") {
  active_visitors x{100};
  x.begin(now_s);
  CHECK(seen(x).missing_s == window_s); // Also of the running second.
  x.add(on("/a", 1, {{1, now_s - 5}}), now_s);
  CHECK(text_of(seen(x)) == "/a 1/1");
  CHECK(seen(x, now_s + 100).missing_s == window_s - 100);
  CHECK(seen(x, now_s + window_s).missing_s == 0);
  x.doubt(now_s + window_s + 7);
  CHECK(seen(x, now_s + window_s + 10).missing_s == window_s - 3);
  x.begin(now_s + 500);
  CHECK(text_of(seen(x, now_s + 500)).empty());
}

TEST_CASE("a clock that is set makes nobody active for longer", "[model][active]") {
  const auto back = GENERATE(1, 5, 6, 60, 299, 302, 400, 660, 7200, 86'400);
  active_visitors x{1000};
  x.begin(now_s - 1000);
  for (int i = 0; i < 300; ++i)
    x.add(on("/a", 1, {{i % 7, now_s - 300 + i}}), now_s - 300 + i);
  x.add(on("/a", 1, {{9, now_s}}), now_s);
  const auto then = now_s - back;
  const auto told = seen(x, then);
  if (back <= active_visitors::steps_back_s) { // As if it stood still.
    CHECK(text_of(told) == "/a 8/300");
    CHECK(told.missing_s == 0);
  } else {
    CHECK(text_of(told).empty());
    CHECK(told.missing_s == window_s);
  }
  x.add(on("/b", 2, {{1, then}}), then);
  CHECK(seen(x, then).all_pages == (back <= active_visitors::steps_back_s ? 2 : 1));
  CHECK(text_of(seen(x, now_s + 1 + window_s)).empty());
}

TEST_CASE("more than there is room for is refused, and room comes back", "[model][active]") {
  active_visitors x{8 + 2 + 3}; // A page, two seconds, three users.
  x.begin(now_s - 1000);
  x.add(on("/a", 1, {{1, now_s}, {2, now_s}, {3, now_s}}), now_s);
  CHECK_FALSE(seen(x).is_full);
  x.add(on("/a", 1, {{1, now_s + 1}, {2, now_s + 1}}), now_s + 1);
  CHECK_FALSE(seen(x, now_s + 1).is_full); // They are known.
  CHECK(x.entries() == 13);
  SECTION("a user") {
    x.add(on("/a", 1, {{4, now_s + 1}}), now_s + 1);
  }
  SECTION("a page") {
    x.add(on("/b", 2, {{1, now_s + 1}}), now_s + 1);
  }
  CHECK(x.entries() == 13);
  CHECK(seen(x, now_s + 1).is_full);
  CHECK(seen(x, now_s + 1 + window_s - 1).is_full);
  CHECK_FALSE(seen(x, now_s + 1 + window_s).is_full);
  x.add(on("/c", 3, {{9, now_s + 1 + window_s}}), now_s + 1 + window_s);
  CHECK(text_of(seen(x, now_s + 1 + window_s)) == "/c 1/1");
  CHECK(x.entries() == 10);
}

TEST_CASE("seconds have no more room than users", "[model][active]") {
  active_visitors x{400};
  x.begin(now_s - 1000);
  for (int64_t at = now_s; at < now_s + 250; ++at)
    for (int32_t page = 1; page <= 20; ++page)
      x.add(on("/" + std::to_string(page), page, {{1, at}}), at);
  CHECK(x.entries() <= 400);
  CHECK(seen(x, now_s + 250).is_full);
  CHECK_FALSE(seen(x, now_s + 250 + window_s).is_full);
}

TEST_CASE("pages with long names have less room", "[model][active]") {
  active_visitors x{1000};
  x.begin(now_s - 1000);
  int pages = 0;
  for (; !seen(x).is_full && pages < 1000; ++pages)
    x.add(on("/" + std::string(2000, 'x') + std::to_string(pages), pages + 1, {{1, now_s}}), now_s);
  CHECK(pages > 5);
  CHECK(pages < 15);
}

TEST_CASE("it says what a list of all clicks would say", "[model][active]") {
  const auto seed = test::new_seed();
  INFO(test::repeated_by(seed));
  std::mt19937 chance{seed};
  auto below = [&](int n) { return static_cast<int>(chance() % static_cast<unsigned>(n)); };
  active_visitors x{150};
  x.begin(now_s - 1000);
  struct row {
    int32_t page_no, user_no;
    int64_t at_s;
  };
  std::vector<row> all;
  int exact = 0;
  for (int64_t at = now_s; at < now_s + 4 * window_s; at += below(20)) {
    const auto page_no = 1 + below(5);
    const auto of = static_cast<int32_t>(1 + below(12));
    const auto when = at - below(400);
    x.add(on("/" + std::to_string(page_no), page_no, {{of, when}}), at);
    if (when > at - window_s)
      all.push_back({page_no, of, when});
    const auto told = seen(x, at);
    if (told.is_full)
      continue;
    ++exact;
    std::map<int32_t, std::set<int32_t>> users;
    std::map<int32_t, uint64_t> clicks;
    std::set<int32_t> whole;
    for (const auto& y : all)
      if (y.at_s > at - window_s) {
        users[y.page_no].insert(y.user_no);
        ++clicks[y.page_no];
        whole.insert(y.user_no);
      }
    REQUIRE(told.users == std::vector<int32_t>(whole.begin(), whole.end()));
    REQUIRE(told.pages.size() == users.size());
    for (const auto& page : told.pages) {
      const auto no = std::stoi(page.page_url.substr(1));
      REQUIRE(page.visitors == users[no].size());
      REQUIRE(page.clicks == clicks[no]);
    }
    REQUIRE(std::is_sorted(told.pages.begin(), told.pages.end(), model::is_busier));
  }
  CHECK(exact > 20);
}
