#include "actors/model/page_table.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include <absl/hash/hash.h>

namespace footfall::model {

using kind = page_step::kind;

page_table::page_table(limits most) : most_(most), tail_(most.tail_max) {
  most_.live_max = std::max<size_t>(most_.live_max, 1);
  known_ = recent{most_.live_max};
}

const page_table::steps& page_table::stop() {
  out_.clear();
  runs_ = false;
  while (oldest_ != none)
    drop(kind::fail, oldest_);
  assert(by_page_.empty() && newest_ == none);
  wanted_.clear();
  loading_.clear();
  tail_.clear();
  return out_;
}

// With many live pages one click is not enough to make its page live: addresses that somebody
// invents come but once, and to start and load a page costs more than all else that is done
// for a click.
const page_table::steps& page_table::click(page_delta& x, int64_t now_us) {
  out_.clear();
  auto slot = touch(x.page, now_us);
  if (slot == none && runs_) {
    const bool known = note_known(x.page);
    if (size() < most_.live_max / 4 || (known && !is_full()))
      slot = make_live(x.page, now_us);
  }
  const bool is_ours = x.partition == most_.partition;
  if (slot == none) {
    if (is_ours)
      tail_.note(std::move(x));
    return out_;
  }
  auto& live = slots_[slot];
  live.is_needed = true;
  if (live.at != state::loaded && is_ours)
    tail_.note(std::as_const(x)); // It tells the cache nothing before it is loaded, if ever.
  say(kind::deliver, slot);
  return out_;
}

const page_table::steps& page_table::ask(const std::string& page, bool is_worth_it,
                                         int64_t now_us) {
  out_.clear();
  auto slot = touch(page, now_us);
  if (slot == none && (!is_worth_it || !runs_)) {
    note_known(page); // Its next click makes it live, and keeps the cache right.
    say(kind::refuse);
    return out_;
  }
  if (slot == none)
    slot = make_live(page, now_us);
  say(kind::deliver, slot);
  return out_;
}

const page_table::steps& page_table::watch(const std::string& page, int64_t now_us) {
  out_.clear();
  auto slot = touch(page, now_us);
  if (slot == none && !runs_)
    return out_;
  if (slot == none)
    slot = make_live(page, now_us);
  slots_[slot].is_needed = true;
  say(kind::deliver, slot);
  return out_;
}

const page_table::steps& page_table::load() {
  out_.clear();
  if (!loading_.empty())
    return out_;
  while (!wanted_.empty() && loading_.size() < most_.loads_at_once) {
    const auto x = wanted_.back();
    wanted_.pop_back();
    auto* live = find(x, state::wanted);
    if (!live)
      continue;
    live->at = state::loading;
    loading_.push_back(x);
    say(kind::load, x.slot);
  }
  return out_;
}

const page_table::steps& page_table::loaded(const std::vector<page_load>& pages, int64_t now_us) {
  out_.clear();
  uint32_t index = 0;
  for (const auto& x : std::exchange(loading_, {})) {
    const auto i = index++;
    auto* live = find(x, state::loading);
    if (!live)
      continue;
    if (i >= pages.size()) {
      drop(kind::fail, x.slot);
      continue;
    }
    live->at = state::loaded;
    touch(live->page, now_us);
    say(kind::give, x.slot, i);
    if (pages[i].page_no == 0 && !live->is_needed)
      drop(kind::evict, x.slot); // A page that nobody ever clicked is answered, not kept.
  }
  return out_;
}

const page_table::steps& page_table::load_failed() {
  out_.clear();
  for (const auto& x : std::exchange(loading_, {}))
    if (find(x, state::loading))
      drop(kind::fail, x.slot);
  return out_;
}

const page_table::steps& page_table::sweep(int64_t now_us) {
  out_.clear();
  while (oldest_ != none && slots_[oldest_].used_us + most_.idle_us <= now_us)
    drop(kind::evict, oldest_);
  return out_;
}

const page_table::steps& page_table::end_all() {
  out_.clear();
  while (oldest_ != none)
    drop(kind::evict, oldest_);
  return out_;
}

const page_table::steps& page_table::end(uint32_t slot) {
  out_.clear();
  drop(kind::forget, slot);
  return out_;
}

const uint32_t* page_table::find(std::string_view page) const {
  auto at = by_page_.find(page);
  return at == by_page_.end() ? nullptr : &at->second;
}

std::vector<std::string> page_table::newest(size_t most) const {
  std::vector<std::string> out;
  for (auto at = newest_; at != none && out.size() < most; at = slots_[at].older)
    out.push_back(slots_[at].page);
  return out;
}

bool page_table::note_known(const std::string& page) {
  return known_.note(absl::HashOf(page));
}

uint32_t page_table::touch(std::string_view page, int64_t now_us) {
  const auto* slot = find(page);
  if (!slot)
    return none;
  slots_[*slot].used_us = now_us;
  if (newest_ != *slot) {
    unlink(*slot);
    link(*slot);
  }
  return *slot;
}

uint32_t page_table::make_live(const std::string& page, int64_t now_us) {
  assert(runs_ && !find(page));
  if (is_full())
    drop(kind::evict, oldest_);
  uint32_t slot = static_cast<uint32_t>(slots_.size());
  if (free_.empty()) {
    slots_.emplace_back();
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  auto& x = slots_[slot];
  x.page = page;
  x.used_us = now_us;
  x.at = state::wanted;
  x.is_needed = false;
  by_page_.emplace(x.page, slot);
  link(slot);
  assert(size() <= most_.live_max && by_page_.size() + free_.size() == slots_.size());
  // Of pages that ended while they waited nothing is loaded; they must not gather here.
  if (wanted_.size() >= 2 * most_.live_max)
    std::erase_if(wanted_, [this](const auto& y) { return !find(y, state::wanted); });
  assert(wanted_.size() < 2 * most_.live_max);
  wanted_.push_back({slot, x.life});
  say(kind::spawn, slot);
  return slot;
}

page_table::entry* page_table::find(const place& x, state at) {
  assert(x.slot < slots_.size());
  auto& out = slots_[x.slot];
  return out.life == x.life && out.at == at ? &out : nullptr;
}

void page_table::say(kind what, uint32_t slot, uint32_t index) {
  out_.push_back({what, slot, index});
}

void page_table::drop(kind how, uint32_t slot) {
  assert(slot < slots_.size() && slots_[slot].at != state::free);
  auto& x = slots_[slot];
  unlink(slot);
  by_page_.erase(x.page);
  std::exchange(x.page, {});
  x.at = state::free;
  ++x.life;
  free_.push_back(slot);
  say(how, slot);
}

void page_table::link(uint32_t slot) {
  auto& x = slots_[slot];
  x.newer = none;
  x.older = newest_;
  (newest_ == none ? oldest_ : slots_[newest_].newer) = slot;
  newest_ = slot;
}

void page_table::unlink(uint32_t slot) {
  const auto& x = slots_[slot];
  (x.newer == none ? newest_ : slots_[x.newer].older) = x.older;
  (x.older == none ? oldest_ : slots_[x.older].newer) = x.newer;
}

} // namespace footfall::model
