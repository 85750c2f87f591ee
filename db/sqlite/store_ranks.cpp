#include <algorithm>

#include <absl/container/flat_hash_set.h>

#include "db/sqlite/minute_range.hpp"
#include "db/sqlite/store_reader.hpp"

/// The lists of store_reader: pages and users with the most clicks.
namespace footfall::sqlite {

namespace {

/// Of more that are equal, those that come first by name are looked for instead of all
/// being named and sorted.
constexpr std::ptrdiff_t ties_max = 10'000;

int32_t number(const statement& x, int column) noexcept {
  return static_cast<int32_t>(x.integer(column));
}

uint64_t count(const statement& x, int column) noexcept {
  return static_cast<uint64_t>(x.integer(column));
}

/// Keeps the `most` highest and what ties with the last of them. @returns where those
/// ties begin; the end when nothing had to go.
template <class Rows>
auto keep_highest(Rows& counts, size_t most) {
  if (counts.size() <= most)
    return counts.end();
  auto at = counts.begin() + static_cast<std::ptrdiff_t>(most) - 1;
  std::nth_element(counts.begin(), at, counts.end(), std::greater<>{});
  const auto least = at->first;
  counts.erase(
      std::remove_if(counts.begin(), counts.end(), [&](const auto& x) { return x.first < least; }),
      counts.end());
  return std::partition(counts.begin(), counts.end(),
                        [&](const auto& x) { return x.first > least; });
}

} // namespace

/// Clicks of each page of the site that has some in the tail, those included.
store_reader::tail_counts store_reader::tail_pages_of(int32_t site_no) {
  tail_counts out;
  tail_.each([&](int32_t page_no, const auto& x) {
    if (x.site_no == site_no)
      ++out[page_no];
  });
  for (auto& [page_no, clicks] : out)
    clicks += totals_of(page_no).clicks;
  return out;
}

/// The highest `most` and at least as many ties as anybody names: with clicks, from the
/// index that has them in this order, and then those that were clicked once, by name.
store_reader::numbered store_reader::pages_of_site(int32_t site_no, size_t most,
                                                   const tail_counts& tail) {
  numbered out;
  reset_at_end end{site_pages_};
  site_pages_.bind(1, site_no);
  const size_t enough = most + ties_max + 1;
  while (out.size() < enough && site_pages_.step()) {
    const auto clicks = count(site_pages_, 1);
    if (out.size() >= most && clicks < out[most - 1].first)
      break;
    if (const auto page_no = number(site_pages_, 0); !tail.contains(page_no))
      out.emplace_back(clicks, page_no);
  }
  if (out.size() < most) {
    tied_pages_.bind(1, site_no);
    add_first_by_name(out, 1, most, tail, tied_pages_);
  }
  for (const auto& [page_no, clicks] : tail)
    out.emplace_back(clicks, page_no);
  return out;
}

store_reader::numbered store_reader::pages_of_site(int32_t site_no, int64_t first_minute,
                                                   int64_t end_minute) {
  tail_counts tail;
  tail_.each_late_minute([&](int32_t of_site, int32_t page_no, int32_t minute, uint64_t clicks) {
    if (of_site == site_no && minute >= first_minute && minute < end_minute)
      tail[page_no] += clicks;
  });
  numbered out;
  reset_at_end end{site_range_};
  site_range_.bind(1, site_no).bind(2, first_minute).bind(3, end_minute);
  while (site_range_.step()) {
    auto clicks = count(site_range_, 1);
    const auto page_no = number(site_range_, 0);
    if (auto at = tail.find(page_no); at != tail.end()) {
      clicks += at->second;
      tail.erase(at);
    }
    if (clicks > 0)
      out.emplace_back(clicks, page_no);
  }
  for (const auto& [page_no, clicks] : tail)
    out.emplace_back(clicks, page_no);
  return out;
}

/// Adds the first `most` that have `clicks` in the aggregates and are not in the tail;
/// `by_name` has the numbers of such ones in the order of names.
void store_reader::add_first_by_name(numbered& out, uint64_t clicks, size_t most,
                                     const tail_counts& tail, statement& by_name) {
  reset_at_end reset{by_name};
  by_name.bind(2, static_cast<int64_t>(clicks));
  for (size_t found = 0; found < most && by_name.step();)
    if (const auto no = number(by_name, 0); !tail.contains(no)) {
      out.emplace_back(clicks, no);
      ++found;
    }
}

/// Too many ties to name them all: those of the tail, and the first by name of the rest.
void store_reader::name_first_ties(numbered& counts, numbered::iterator ties, size_t most,
                                   const tail_counts& tail, statement& by_name) {
  const auto end =
      std::partition(ties, counts.end(), [&](const auto& x) { return tail.contains(x.second); });
  const auto clicks = ties->first;
  counts.erase(end, counts.end());
  add_first_by_name(counts, clicks, most, tail, by_name);
}

/// Too many users that tie to name them all: the first of them by name.
void store_reader::name_first_users(numbered& counts, numbered::iterator ties, size_t most,
                                    int32_t site_no) {
  const auto clicks = ties->first;
  absl::flat_hash_set<int32_t> tied;
  for (auto at = ties; at != counts.end(); ++at)
    tied.insert(at->second);
  counts.erase(ties, counts.end());
  const reset_at_end end{users_by_name_};
  users_by_name_.bind(1, site_no);
  for (size_t found = 0; found < most && users_by_name_.step();)
    if (const auto no = number(users_by_name_, 0); tied.contains(no)) {
      counts.emplace_back(clicks, no);
      ++found;
    }
}

/// The limit + 1 best with their names; ties by name, so all of the last ones that
/// are equal must be named before they can be ordered.
std::vector<named_count> store_reader::named(numbered counts, size_t most, statement& name) {
  std::vector<std::pair<named_count, int32_t>> rows;
  for (const auto& [clicks, no] : counts) {
    name.bind(1, no);
    rows.push_back({{name.step() ? std::string{name.text(0)} : std::string{}, clicks, 0}, no});
    name.reset();
  }
  std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
    return a.first.clicks != b.first.clicks ? a.first.clicks > b.first.clicks
                                            : a.first.name < b.first.name;
  });
  if (rows.size() > most)
    rows.resize(most);
  std::vector<named_count> out;
  for (auto& [x, no] : rows) {
    x.users = static_cast<uint64_t>(no); // The caller replaces the number.
    out.push_back(std::move(x));
  }
  return out;
}

std::vector<named_count> store_reader::top_pages(const std::string& site_id, int64_t from_us,
                                                 int64_t to_us, uint32_t limit) {
  const auto site_no = numbers_.sites.find(0, site_id);
  if (site_no == 0)
    return {};
  const bool all = from_us == unset_time && to_us == unset_time;
  const size_t most = size_t{limit} + 1;
  numbered counts;
  if (all) {
    const auto tail = tail_pages_of(site_no);
    counts = pages_of_site(site_no, most, tail);
    const auto ties = keep_highest(counts, most);
    if (counts.end() - ties > ties_max) {
      tied_pages_.bind(1, site_no);
      name_first_ties(counts, ties, most, tail, tied_pages_);
    }
  } else {
    counts = pages_of_site(site_no, minute_from(from_us, no_first_minute),
                           minute_from(to_us, no_end_minute));
    keep_highest(counts, most);
  }
  auto out = named(std::move(counts), most, page_name_);
  for (auto& x : out) {
    const auto page_no = static_cast<int32_t>(x.users);
    x.users = all ? totals_of(page_no).users + new_users_of(page_no) : 0;
  }
  return out;
}

std::vector<named_count> store_reader::top_users(const page_key& key, uint32_t limit) {
  const auto page_no = page_number(key);
  if (page_no == 0)
    return {};
  const size_t most = size_t{limit} + 1;
  tail_counts tail;
  tail_.each_late_user_of(page_no,
                          [&](int32_t user_no, uint64_t clicks) { tail[user_no] += clicks; });
  numbered counts;
  pairs_.each_of_page(page_no, [&](const user_clicks& x) {
    auto clicks = x.clicks;
    if (const auto at = tail.find(x.user_no); at != tail.end()) {
      clicks += at->second;
      tail.erase(at);
    }
    counts.emplace_back(clicks, x.user_no);
  });
  for (const auto& [user_no, clicks] : tail)
    counts.emplace_back(clicks, user_no);
  const auto ties = keep_highest(counts, most);
  if (counts.end() - ties > ties_max)
    name_first_users(counts, ties, most, numbers_.sites.find(0, key.site_id));
  auto out = named(std::move(counts), most, user_name_);
  for (auto& x : out)
    x.users = 0;
  return out;
}

} // namespace footfall::sqlite
