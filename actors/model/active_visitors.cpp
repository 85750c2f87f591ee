#include "actors/model/active_visitors.hpp"

#include <algorithm>
#include <cassert>

#include "proto/site_text.hpp"

namespace footfall::model {

namespace {

constexpr int64_t second_us = 1'000'000;
/// So often what is older than the window goes, and while there is no room.
constexpr int64_t sweep_every_s = 60;
constexpr int64_t make_room_every_s = 5;

/// Whether a second counts in the window that begins at `from_s`. One that lies far ahead is
/// of before the clock was set back.
bool counts(int64_t at_s, int64_t from_s) {
  return at_s >= from_s && at_s < from_s + 2 * active_visitors::window_s;
}

} // namespace

bool is_busier(const active_page& a, const active_page& b) {
  if (a.visitors != b.visitors)
    return a.visitors > b.visitors;
  return a.clicks != b.clicks ? a.clicks > b.clicks : a.page_url < b.page_url;
}

void active_visitors::begin(int64_t now_s, bool knows_all) {
  pages_.clear();
  pairs_ = 0;
  full_s_ = -1;
  since_s_ = knows_all ? 0 : now_s + 1;
  swept_s_ = now_s;
}

void active_visitors::add(const page_delta& x, int64_t now_s) {
  if (now_s - swept_s_ >= sweep_every_s || now_s < swept_s_)
    sweep(now_s);
  page* to = nullptr;
  for (const auto& click : x.clicks) {
    const auto at_s = std::min(click.at_us / second_us, now_s);
    if (at_s <= now_s - window_s)
      continue;
    if (!to) {
      auto at = pages_.find(x.page_no);
      if (at == pages_.end()) {
        if (!has_room(now_s)) {
          full_s_ = std::max(full_s_, at_s);
          continue;
        }
        at = pages_.try_emplace(x.page_no).first;
        at->second.name = x.page;
      }
      to = &at->second;
    }
    add(*to, click.user_no, at_s, now_s);
  }
}

void active_visitors::add(page& to, int32_t user_no, int64_t at_s, int64_t now_s) {
  auto place = to.clicks.end(); // Most come in order.
  while (place != to.clicks.begin() && std::prev(place)->at_s >= at_s)
    --place;
  if (place == to.clicks.end() || place->at_s != at_s)
    place = to.clicks.insert(place, {at_s, 0});
  ++place->clicks;
  if (auto known = to.seen.find(user_no); known != to.seen.end()) {
    known->second = std::max(known->second, at_s);
    return;
  }
  // What makes room here may take other pages, and never this one: it has a click.
  if (!has_room(now_s)) {
    full_s_ = std::max(full_s_, at_s);
    return;
  }
  to.seen.emplace(user_no, at_s);
  ++pairs_;
}

bool active_visitors::has_room(int64_t now_s) {
  if (pairs_ < pairs_max_)
    return true;
  if (now_s - swept_s_ < make_room_every_s)
    return false;
  sweep(now_s);
  return pairs_ < pairs_max_;
}

void active_visitors::sweep(int64_t now_s) {
  swept_s_ = now_s;
  const auto from_s = now_s - window_s + 1;
  absl::erase_if(pages_, [&](auto& entry) {
    auto& x = entry.second;
    std::erase_if(x.clicks, [=](const second& y) { return !counts(y.at_s, from_s); });
    pairs_ -= absl::erase_if(x.seen, [=](const auto& y) { return !counts(y.second, from_s); });
    return x.clicks.empty();
  });
}

active_visitors::view active_visitors::read(std::string_view site_id, std::string_view page_url,
                                            int64_t from_s, size_t most) {
  view out;
  out.since_s = std::min(since_s_, from_s + window_s); // At most the second after this one.
  out.is_full = counts(full_s_, from_s);
  if (out.is_full)
    return out;
  for (const auto& [no, x] : pages_) {
    const auto [site, url] = split_site(x.name);
    if (site != site_id || (!page_url.empty() && url != page_url))
      continue;
    active_page found;
    for (const auto& y : x.clicks)
      found.clicks += counts(y.at_s, from_s) ? y.clicks : 0;
    if (found.clicks == 0)
      continue;
    const auto before = out.users.size();
    for (const auto& [user_no, seen_s] : x.seen)
      if (counts(seen_s, from_s))
        out.users.push_back(user_no);
    found.visitors = out.users.size() - before;
    assert(found.visitors > 0); // Whoever clicked was seen.
    found.page_url = url;
    out.clicks += found.clicks;
    ++out.all_pages;
    out.pages.push_back(std::move(found));
    if (out.pages.size() >= 2 * most + 100) { // Texts of all would be too much.
      std::nth_element(out.pages.begin(), out.pages.begin() + static_cast<ptrdiff_t>(most),
                       out.pages.end(), is_busier);
      out.pages.resize(most);
    }
  }
  std::sort(out.users.begin(), out.users.end());
  out.users.erase(std::unique(out.users.begin(), out.users.end()), out.users.end());
  std::sort(out.pages.begin(), out.pages.end(), is_busier);
  if (out.pages.size() > most)
    out.pages.resize(most);
  return out;
}

} // namespace footfall::model
