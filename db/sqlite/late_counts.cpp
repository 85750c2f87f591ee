#include "db/sqlite/late_counts.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace footfall::sqlite {

void late_span::add(int64_t pair) {
  if (!pairs.empty() && pairs.back() == pair) {
    ++clicks.back();
    return;
  }
  assert(pairs.empty() || pairs.back() < pair);
  pairs.push_back(pair);
  clicks.push_back(1);
}

void late_span::add(const minute_key& key, int32_t site_no) {
  if (!minutes.empty() && minutes.back().key == key) {
    ++minutes.back().clicks;
    return;
  }
  assert(minutes.empty() || minutes.back().key < key);
  minutes.push_back({key, site_no, 1});
}

size_t late_span::place_of(int64_t pair) const {
  return static_cast<size_t>(std::lower_bound(pairs.begin(), pairs.end(), pair) - pairs.begin());
}

size_t late_span::place_of(const minute_key& key) const {
  return static_cast<size_t>(std::lower_bound(minutes.begin(), minutes.end(), key,
                                              [](const minute_clicks& x, const minute_key& wanted) {
                                                return x.key < wanted;
                                              })
                             - minutes.begin());
}

namespace {

/// Goes through two sorted lists: `use` gets each key once, with its place in each list, or the
/// size of the list that does not have it.
template <class Before, class Use>
void each_of_both(size_t a, size_t b, Before before, Use use) {
  for (size_t i = 0, j = 0; i < a || j < b;) {
    const auto order = i == a ? 1 : j == b ? -1 : before(i, j);
    use(order <= 0 ? i : a, order >= 0 ? j : b);
    i += order <= 0 ? 1 : 0;
    j += order >= 0 ? 1 : 0;
  }
}

} // namespace

late_span joined(const late_span& a, const late_span& b) {
  assert(a.until <= b.from);
  late_span out{a.from, b.until, a.rows + b.rows, {}, {}, {}};
  out.pairs.reserve(a.pairs.size() + b.pairs.size());
  out.clicks.reserve(a.pairs.size() + b.pairs.size());
  each_of_both(
      a.pairs.size(), b.pairs.size(),
      [&](size_t i, size_t j) {
        return a.pairs[i] < b.pairs[j] ? -1 : a.pairs[i] > b.pairs[j] ? 1 : 0;
      },
      [&](size_t i, size_t j) {
        const bool has_a = i < a.pairs.size(), has_b = j < b.pairs.size();
        out.pairs.push_back(has_a ? a.pairs[i] : b.pairs[j]);
        out.clicks.push_back((has_a ? a.clicks[i] : 0) + (has_b ? b.clicks[j] : 0));
      });
  out.minutes.reserve(a.minutes.size() + b.minutes.size());
  each_of_both(
      a.minutes.size(), b.minutes.size(),
      [&](size_t i, size_t j) {
        const auto &x = a.minutes[i].key, &y = b.minutes[j].key;
        return x < y ? -1 : y < x ? 1 : 0;
      },
      [&](size_t i, size_t j) {
        const bool has_a = i < a.minutes.size(), has_b = j < b.minutes.size();
        out.minutes.push_back(has_a ? a.minutes[i] : b.minutes[j]);
        if (has_a && has_b)
          out.minutes.back().clicks += b.minutes[j].clicks;
      });
  return out;
}

std::shared_ptr<const late_counts::view> late_counts::now() const {
  std::lock_guard guard{lock_};
  return now_;
}

/// Puts a changed copy of a slice in its place; without spans it goes.
template <class Change>
void late_counts::change(int64_t number, Change change) {
  auto next = std::make_shared<view>(*now_); // Nobody else writes it.
  auto at = std::lower_bound(
      next->begin(), next->end(), number,
      [](const std::shared_ptr<const slice>& x, int64_t wanted) { return x->number < wanted; });
  const bool is_there = at != next->end() && (*at)->number == number;
  auto mine = is_there ? std::make_shared<slice>(**at) : std::make_shared<slice>();
  mine->number = number;
  change(mine->spans);
  if (!is_there)
    next->insert(at, std::move(mine));
  else if (mine->spans.empty())
    next->erase(at);
  else
    *at = std::move(mine);
  std::lock_guard guard{lock_};
  now_ = std::move(next);
}

void late_counts::add(late_span made, const span& frozen) {
  change(made.from >> 48, [&](std::vector<span>& spans) {
    assert(spans.empty() || spans.back()->until <= made.from);
    // As a binary counter does: each has at least twice as many as the next one.
    while (!spans.empty() && spans.back() != frozen && spans.back()->rows < 2 * made.rows) {
      made = joined(*spans.back(), made);
      spans.pop_back();
    }
    spans.push_back(std::make_shared<const late_span>(std::move(made)));
  });
}

late_counts::span late_counts::join_all(int64_t number) {
  span out;
  change(number, [&](std::vector<span>& spans) {
    assert(!spans.empty());
    for (out = spans.back(), spans.pop_back(); !spans.empty(); spans.pop_back())
      out = std::make_shared<const late_span>(joined(*spans.back(), *out));
    spans.push_back(out);
  });
  return out;
}

void late_counts::drop_first(int64_t number) {
  change(number, [](std::vector<span>& spans) {
    assert(!spans.empty());
    spans.erase(spans.begin());
  });
}

} // namespace footfall::sqlite
