#include "db/memory/memory_cache.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "proto/seeded_bug.hpp"

namespace footfall {

namespace {
// What the nodes of the list and the maps cost beside their contents.
constexpr size_t page_cost = 200;
constexpr size_t user_cost = 24;
// What was read longer ago may be old by now; an eviction forgets how new its page was.
constexpr int64_t fill_age_max_us = 1'000'000;
} // namespace

size_t memory_cache::entry::bytes() const {
  return page_cost + page.size() + reached.size() * sizeof(position) + users.size() * user_cost;
}

memory_cache::memory_cache(config settings) : config_(std::move(settings)) {}

size_t memory_cache::pages() const {
  std::lock_guard guard{lock_};
  return entries_.size();
}

size_t memory_cache::bytes() const {
  std::lock_guard guard{lock_};
  return bytes_;
}

void memory_cache::drop(entries::iterator x) {
  assert(bytes_ >= x->bytes());
  bytes_ -= x->bytes();
  by_page_.erase(x->page);
  entries_.erase(x);
}

void memory_cache::shrink() {
  while (!entries_.empty() && (bytes_ > config_.bytes_max || entries_.size() > config_.pages_max))
    drop(std::prev(entries_.end()));
}

memory_cache::entry* memory_cache::find(const cache_page& page) {
  auto found = by_page_.find(page);
  if (found == by_page_.end())
    return nullptr;
  if (config_.steady() >= found->second->ends_us) {
    drop(found->second);
    return nullptr;
  }
  entries_.splice(entries_.begin(), entries_, found->second);
  return &entries_.front();
}

memory_cache::entry* memory_cache::open(const cache_page& page, uint64_t version, uint64_t keep) {
  auto* x = find(page);
  if (x && x->version > version)
    return seeded_bug("del-not-versions") ? x : nullptr;
  if (!x) {
    entries_.push_front({});
    x = &entries_.front();
    x->page = page;
    by_page_.emplace(x->page, entries_.begin());
    bytes_ += x->bytes();
  }
  if (x->version != version && x->version != keep) {
    bytes_ -= x->users.size() * user_cost;
    x->users.clear();
  }
  if (x->version != version)
    x->as_of_us = 0;
  assert(x->version <= version);
  x->version = version;
  return x;
}

void memory_cache::refresh(entry& x, int64_t as_of_us, const std::vector<position>& reached) {
  if (as_of_us < x.as_of_us && x.asked_for == !x.reached.empty())
    return;
  x.as_of_us = as_of_us;
  x.ends_us = config_.steady() + config_.ttl_us;
  if (!x.asked_for)
    return;
  bytes_ -= x.bytes();
  x.reached = reached;
  bytes_ += x.bytes();
}

void memory_cache::put(entry& to, int32_t user_no, uint64_t clicks) {
  assert(user_no > 0);
  if (to.users.size() >= config_.users_of_page_max) {
    bytes_ -= to.users.size() * user_cost;
    to.users.clear();
  }
  auto [at, fresh] = to.users.insert_or_assign(user_no, clicks);
  static_cast<void>(at);
  if (fresh)
    bytes_ += user_cost;
}

void memory_cache::get(std::vector<cache_ask> keys, get_done done) {
  std::vector<cached_count> out(keys.size());
  {
    std::lock_guard guard{lock_};
    for (size_t i = 0; i < keys.size(); ++i) {
      const auto* x = find(keys[i].page);
      if (!x)
        continue;
      if (auto user = x->users.find(keys[i].user_no); user != x->users.end())
        out[i] = {true, user->second, x->version, x->as_of_us, x->reached};
    }
  }
  done(std::move(out));
}

void memory_cache::fill(std::vector<cache_fill> values) {
  std::lock_guard guard{lock_};
  for (const auto& x : values) {
    const auto now = config_.steady();
    if (now - x.read_us > fill_age_max_us || now < fills_from_us_)
      continue;
    if (auto* page = open(x.page, x.version, x.version)) {
      page->asked_for = true;
      refresh(*page, x.as_of_us, x.reached);
      put(*page, x.user_no, x.clicks);
    }
    shrink();
  }
}

void memory_cache::advance(std::vector<cache_advance> pages) {
  std::lock_guard guard{lock_};
  for (const auto& x : pages) {
    assert(x.from < x.to);
    // Version 0 is no version: a tombstone keeps nothing.
    const uint64_t keep = x.from == 0 ? x.to : x.from;
    // A page that nobody asked for gets a tombstone: no counts that nobody reads.
    auto* page = open(x.page, x.to, keep);
    if (!page)
      continue;
    refresh(*page, x.as_of_us, x.reached);
    if (page->asked_for)
      for (const auto& [user_no, clicks] : x.changed)
        put(*page, user_no, clicks);
    shrink();
  }
}

void memory_cache::forget() {
  std::lock_guard guard{lock_};
  by_page_.clear();
  entries_.clear();
  bytes_ = 0;
  fills_from_us_ = config_.steady() + fill_age_max_us; // One that was read before may be under way.
}

} // namespace footfall
