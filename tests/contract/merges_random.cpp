// What folds leave to merges counts the same before, meanwhile and afterwards, also when the store
// is opened in between.
#include <catch2/catch.hpp>

#include <map>
#include <memory>
#include <random>

#include "db/sqlite/minute_range.hpp"
#include "db/sqlite/store_audit.hpp"
#include "tests/contract/sqlite_parts.hpp"
#include "tests/contract/store_calls.hpp"
#include "tests/contract/temporary_folder.hpp"
#include "tests/support/seed.hpp"

using namespace footfall;
using namespace footfall::test;

namespace {

constexpr uint32_t partitions = 3;

/// A random history of applies, folds, merges and restarts, beside maps.
class history {
public:
  history(std::string folder, uint32_t seed) : folder_(std::move(folder)), random_(seed) {
    open();
    for (uint32_t i = 0; i < partitions; ++i)
      of_->turn([&](store_writer& x) { epochs_[i] = x.claim(i).epoch; });
  }

  void step() {
    const auto what = pick(8);
    const bool is_kept = pick(what == 5 || what == 6 ? 4 : 12) != 0;
    switch (what) {
    case 0:
    case 1: return apply(is_kept);
    case 2:
    case 3:
    case 4: return fold(is_kept);
    case 5:
    case 6:
      merged_ += of_->merge(1 + pick(6), is_kept) ? 1 : 0;
      if (!is_kept)
        of_->writer->merge_failed("the test says so"); // Another partition has its turn.
      return;
    default:
      if (pick(6) == 0)
        open(); // As after kill -9: nothing is finished.
      else if (pick(12) == 0 && generation_ < 5)
        begin_generation();
    }
  }

  /// Merges all, also what failed.
  void end() {
    open();
    of_->merge_all();
  }

  /// Every answer of a reader.
  void compare() {
    auto& from = *of_->reader;
    from.begin();
    std::vector<pair_key> pairs;
    std::vector<page_key> pages;
    for (int p = 0; p < pages_; ++p) {
      pages.push_back({"default", page(p)});
      for (int u = 0; u < users_; ++u)
        pairs.push_back({"default", page(p), user(u)});
    }
    const auto counts = from.counts(pairs);
    const auto loads = from.load(pages, 0, 1'000);
    const auto ranks = from.top_pages("default", unset_time, unset_time, 100);
    for (size_t i = 0; i < pairs.size(); ++i) {
      REQUIRE(counts[i].clicks == clicks_[{pairs[i].page_url, pairs[i].user_id}]);
      REQUIRE(counts[i].version == of_page(pairs[i].page_url));
    }
    for (size_t i = 0; i < pages.size(); ++i) {
      const auto& url = pages[i].page_url;
      REQUIRE(loads[i].users == users_of(url));
      REQUIRE(loads[i].user_clicks.size() == users_of(url));
      uint64_t all = 0;
      for (const auto& x : loads[i].user_clicks)
        all += x.second;
      REQUIRE(all == of_page(url));
      const auto users = from.top_users(pages[i], 100);
      REQUIRE(users.size() == users_of(url));
      for (const auto& x : users)
        REQUIRE(x.clicks == clicks_[{url, x.name}]);
      counts_of types, minutes, loaded;
      for (const auto& [type_no, clicks] : loads[i].by_type)
        types[from.type_names({type_no}).at(0)] += clicks;
      for (const auto& x : from.minutes(pages[i], unset_time, unset_time))
        minutes[std::to_string(x.at_us)] += x.clicks;
      for (const auto& [minute, clicks] : loads[i].minutes)
        loaded[std::to_string(minute * minute_us)] += clicks;
      REQUIRE(types == types_[url]);
      REQUIRE(minutes == minutes_[url]);
      REQUIRE(loaded == minutes_[url]);
    }
    REQUIRE(ranks.size() == pages_clicks_.size());
    for (const auto& x : ranks)
      REQUIRE(x.users == users_of(x.name));
    for (const auto& x : from.top_pages("default", day_us, day_us + minute_us, 100))
      REQUIRE(x.clicks == minutes_[x.name][std::to_string(day_us)]);
    from.end();
  }

  /// What others see who open the file, and the audit.
  void compare_views() {
    const std::string from =
        " FROM core_events e JOIN core_topics t ON t.topic_no = (e.position >> 58)"
        " JOIN fold_progress f ON f.topic = t.topic AND f.part = (e.position >> 48 & 1023)"
        " AND (e.position & 281474976710655) < f.folded_offset JOIN core_pages p USING (page_no)"
        " JOIN core_users u USING (user_no) JOIN core_types y USING (type_no)";
    const auto rows = "SELECT p.page_url, u.user_id, count(*) AS n" + from + " GROUP BY 1, 2";
    const std::string view = "SELECT page_url, user_id, click_count FROM page_clicks";
    same_rows(rows, view);
    same_rows("SELECT page_url, sum(n), count(*) FROM (" + rows + ") GROUP BY 1",
              "SELECT page_url, clicks, users FROM page_totals");
    same_rows("SELECT p.page_url, strftime('%Y-%m-%dT%H:%M:00Z', e.at_us / 1000000, 'unixepoch'),"
              " y.event_type, count(*)"
                  + from + " GROUP BY 1, 2, 3",
              "SELECT page_url, bucket, event_type, clicks FROM page_series");
    const std::atomic<bool> stopping{false};
    CHECK(store_audit{of_->reading}.run(10, stopping).empty());
    statement pages{of_->reading, "SELECT s.site_id, p.page_url FROM core_pages p"
                                  " JOIN core_sites s USING (site_no) LIMIT 3"};
    std::vector<page_key> some;
    while (pages.step())
      some.push_back({std::string(pages.text(0)), std::string(pages.text(1))});
    pages.reset();
    for (const auto& x : some)
      CHECK(store_audit{of_->reading}.run_page(x, 10, stopping).differences.empty());
  }

  parts& of() { return *of_; }
  int merged() const { return merged_; }
  std::vector<size_t> spans_of_slices() {
    std::vector<size_t> out;
    for (const auto& x : *of_->late.now())
      out.push_back(x->spans.size());
    return out;
  }

private:
  using counts_of = std::map<std::string, uint64_t>;
  static constexpr int pages_ = 5, users_ = 12;
  uint32_t pick(uint32_t below) { return static_cast<uint32_t>(random_() % below); }
  static std::string page(int no) { return "/p" + std::to_string(no); }
  static std::string user(int no) { return "u" + std::to_string(no); }
  uint64_t of_page(const std::string& page) const {
    const auto at = pages_clicks_.find(page);
    return at == pages_clicks_.end() ? 0 : at->second;
  }
  uint64_t users_of(const std::string& page) {
    uint64_t out = 0;
    for (const auto& [pair, clicks] : clicks_)
      out += pair.first == page && clicks > 0 ? 1 : 0;
    return out;
  }

  void open() {
    of_.reset();
    merger::config how;
    how.pause = std::chrono::seconds{pick(2) ? 0 : 3'600}; // The same one again, or another.
    of_ = std::make_unique<parts>(folder_, how);
  }
  /// The log is another one: each of its partitions begins anew, and the old ones are folded.
  void begin_generation() {
    ++generation_;
    of_->turn([&](store_writer& x) {
      REQUIRE(x.begin_generation({0, 0, 0}, "log " + std::to_string(generation_)) != 0);
    });
    for (uint32_t i = 0; i < partitions; ++i) {
      next_[i] = folded_[i] = 0;
      of_->turn([&](store_writer& x) { epochs_[i] = x.claim(i).epoch; });
    }
  }
  void apply(bool is_kept) {
    const auto partition = pick(partitions);
    auto& next = next_[partition];
    std::vector<event_row> rows;
    for (auto n = pick(20); n > 0; --n) {
      const auto id = std::to_string(generation_) + "-" + std::to_string(partition) + "-"
                      + std::to_string(next + int64_t{n});
      rows.push_back(row(next + 20 - int64_t{n}, id, page(static_cast<int>(pick(pages_))),
                         user(static_cast<int>(pick(users_))), day_us + pick(4) * minute_us,
                         "type" + std::to_string(pick(3))));
    }
    const auto batch_of = batch(partition, epochs_[partition], next, next + 20, rows);
    of_->turn([&](store_writer& x) { REQUIRE(x.apply(batch_of).moved); }, is_kept);
    if (!is_kept)
      return;
    next += 20;
    for (const auto& x : rows) {
      ++clicks_[{x.page_url, x.user_id}];
      ++pages_clicks_[x.page_url];
      ++types_[x.page_url][x.event_type];
      ++minutes_[x.page_url][std::to_string(x.at_us)];
    }
  }
  void fold(bool is_kept) {
    const auto partition = pick(partitions);
    auto& from = folded_[partition];
    const auto until = from + pick(static_cast<uint32_t>(next_[partition] - from) + 1);
    of_->turn([&](store_writer& x) { REQUIRE(x.fold(partition, from, until).moved); }, is_kept);
    if (is_kept)
      from = until;
  }
  void same_rows(const std::string& a, const std::string& b) {
    for (const auto& [x, y] : {std::pair{a, b}, std::pair{b, a}}) {
      const auto sql =
          "SELECT count(*) FROM (SELECT * FROM (" + x + ") EXCEPT SELECT * FROM (" + y + "))";
      INFO(sql);
      REQUIRE(of_->reading.value(sql.c_str()) == 0);
    }
  }

  const std::string folder_;
  std::mt19937_64 random_;
  std::unique_ptr<parts> of_;
  int64_t epochs_[partitions] = {}, next_[partitions] = {}, folded_[partitions] = {};
  std::map<std::pair<std::string, std::string>, uint64_t> clicks_; ///< By page and user.
  counts_of pages_clicks_;
  std::map<std::string, counts_of> types_, minutes_; ///< Of a page.
  int merged_ = 0;
  int generation_ = 1;
};

} // namespace

TEST_CASE("clicks count the same wherever they stand", "[contract][sqlite][merges]") {
  temporary_folder folder;
  const auto seed = new_seed();
  INFO(repeated_by(seed));
  history all{folder.path(), seed};
  int halves = 0, several = 0; // Merges that were seen in the middle, also of several partitions.
  for (int i = 0; i < 600 || (several == 0 && i < 6'000); ++i) {
    all.step();
    all.compare();
    const auto now =
        all.of().on.value("SELECT count(*) FROM core_merge_progress WHERE until > merged");
    halves += now > 0 ? 1 : 0;
    several += now > 1 ? 1 : 0;
    if (i % 15 == 0)
      all.compare_views();
  }
  CHECK(all.merged() > 50);
  CHECK(halves > 50);
  CHECK(several > 0);
  all.end();
  all.compare();
  all.compare_views();
  CHECK(all.of().late.now()->empty());
  CHECK(all.of().on.value("SELECT count(*) FROM core_late_rows") == 0);
}
