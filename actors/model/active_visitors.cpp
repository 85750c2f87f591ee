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
/// What a page is beside its users and seconds.
constexpr size_t entries_of_a_page = 8;
constexpr size_t bytes_of_an_entry = 25;

/// Of many pages only the first are kept while they are looked at.
void keep_busiest(std::vector<active_page>& pages, size_t most) {
  if (pages.size() <= most)
    return;
  std::nth_element(pages.begin(), pages.begin() + static_cast<ptrdiff_t>(most), pages.end(),
                   is_busier);
  pages.resize(most);
}

} // namespace

bool is_busier(const active_page& a, const active_page& b) {
  if (a.visitors != b.visitors)
    return a.visitors > b.visitors;
  return a.clicks != b.clicks ? a.clicks > b.clicks : a.page_url < b.page_url;
}

size_t active_visitors::page::entries() const {
  return entries_of_a_page + name.size() / bytes_of_an_entry + clicks.size() + seen.size();
}

void active_visitors::begin(int64_t now_s) {
  pages_ = {};
  entries_ = 0;
  full_s_ = -1;
  now_s_ = swept_s_ = now_s;
  since_s_ = now_s + 1;
}

int64_t active_visitors::heed(int64_t now_s) {
  if (now_s < now_s_ - steps_back_s)
    begin(now_s);
  return now_s_ = std::max(now_s_, now_s);
}

void active_visitors::add(const page_delta& x, int64_t now_s) {
  now_s = heed(now_s);
  if (now_s - swept_s_ >= sweep_every_s) {
    sweep(now_s);
    if (pages_.size() < pages_.bucket_count() / 8)
      pages_.rehash(0);
  }
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
        entries_ += at->second.entries();
      }
      to = &at->second;
    }
    add(*to, click.user_no, at_s, now_s);
  }
}

// What makes room takes other pages, and never this one: it has a click.
void active_visitors::add(page& to, int32_t user_no, int64_t at_s, int64_t now_s) {
  auto place = to.clicks.end(); // Most come in order.
  while (place != to.clicks.begin() && std::prev(place)->at_s >= at_s)
    --place;
  if (place == to.clicks.end() || place->at_s != at_s) {
    place = to.clicks.insert(place, {at_s, 0});
    ++entries_;
    if (entries_ > entries_max_ && !has_room(now_s) && to.clicks.size() > 1) {
      entries_ -= std::erase_if(to.clicks, [=](const second& y) { return y.at_s == at_s; });
      full_s_ = std::max(full_s_, at_s);
      return;
    }
    place = std::find_if(to.clicks.begin(), to.clicks.end(),
                         [=](const second& y) { return y.at_s == at_s; });
  }
  ++place->clicks;
  if (auto known = to.seen.find(user_no); known != to.seen.end()) {
    known->second = std::max(known->second, at_s);
    return;
  }
  if (!has_room(now_s)) {
    full_s_ = std::max(full_s_, at_s);
    return;
  }
  to.seen.emplace(user_no, at_s);
  ++entries_;
}

bool active_visitors::has_room(int64_t now_s) {
  if (entries_ < entries_max_)
    return true;
  if (now_s - swept_s_ < make_room_every_s)
    return false;
  sweep(now_s);
  return entries_ < entries_max_;
}

void active_visitors::sweep(int64_t now_s) {
  swept_s_ = now_s;
  entries_ = 0;
  const auto from_s = now_s - window_s + 1;
  absl::erase_if(pages_, [&](auto& entry) {
    auto& x = entry.second;
    std::erase_if(x.clicks, [=](const second& y) { return y.at_s < from_s; });
    const auto before = x.seen.size();
    absl::erase_if(x.seen, [=](const auto& y) { return y.second < from_s; });
    if (x.seen.size() < before / 4)
      x.seen.rehash(0); // Nobody else gives its storage back.
    entries_ += x.clicks.empty() ? 0 : x.entries();
    return x.clicks.empty();
  });
}

void active_visitors::read_page(const page& x, int64_t from_s, view& out) const {
  active_page found;
  for (const auto& y : x.clicks)
    found.clicks += y.at_s >= from_s ? y.clicks : 0;
  if (found.clicks == 0)
    return;
  const auto before = out.users.size();
  for (const auto& [user_no, seen_s] : x.seen)
    if (seen_s >= from_s)
      out.users.push_back(user_no);
  found.visitors = out.users.size() - before;
  assert(found.visitors > 0); // Whoever clicked was seen then, or later.
  found.page_url = split_site(x.name).text;
  out.clicks += found.clicks;
  ++out.all_pages;
  out.pages.push_back(std::move(found));
}

active_visitors::view active_visitors::read(std::string_view site_id, std::string_view page_url,
                                            size_t most, int64_t now_s) {
  const auto from_s = heed(now_s) - window_s + 1;
  view out;
  out.missing_s = std::clamp<int64_t>(since_s_ - from_s, 0, window_s);
  out.is_full = full_s_ >= from_s;
  if (out.is_full)
    return out;
  for (const auto& [no, x] : pages_) {
    const auto [site, url] = split_site(x.name);
    if (site != site_id || (!page_url.empty() && url != page_url))
      continue;
    read_page(x, from_s, out);
    if (out.pages.size() >= 2 * most + 100)
      keep_busiest(out.pages, most);
  }
  std::sort(out.users.begin(), out.users.end());
  out.users.erase(std::unique(out.users.begin(), out.users.end()), out.users.end());
  keep_busiest(out.pages, most);
  std::sort(out.pages.begin(), out.pages.end(), is_busier);
  return out;
}

} // namespace footfall::model
