#include "actors/model/page_state.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace footfall::model {

namespace {
constexpr int32_t hour = 60;
constexpr size_t differences_max = 10;
} // namespace

void page_state::load(page_load snapshot, const std::vector<position>& reached) {
  assert(!loaded_); // It would count twice.
  loaded_ = true;
  page_no_ = snapshot.page_no;
  clicks_ = snapshot.clicks;
  last_at_us_ = snapshot.last_at_us;
  detailed_ = snapshot.users_complete;
  for (const auto& [type_no, clicks] : snapshot.by_type)
    by_type_.push_back({type_no, clicks});
  minutes_ = std::move(snapshot.minutes);
  if (minutes_.size() >= page_load::minutes_max)
    minutes_end_ = minutes_.back().first + 1;
  user_clicks_.reserve(snapshot.user_clicks.size());
  for (const auto& [user_no, clicks] : snapshot.user_clicks)
    user_clicks_.emplace(user_no, clicks);
  reached_ = reached;
  for (const auto& delta : std::exchange(early_, {}))
    if (!includes(delta))
      add(delta, 0, nullptr);
}

bool page_state::includes(const page_delta& delta) const {
  for (const auto& at : reached_)
    if (at.partition == delta.partition)
      return delta.next_offset <= at.offset + 1;
  return false;
}

std::vector<std::pair<int32_t, uint64_t>> page_state::apply(const page_delta& delta,
                                                            int64_t now_us) {
  std::vector<std::pair<int32_t, uint64_t>> changed;
  if (!loaded_)
    early_.push_back(delta);
  else if (!includes(delta))
    add(delta, now_us, &changed);
  return changed;
}

void page_state::advance(const position& reached) {
  for (auto& at : reached_)
    if (at.partition == reached.partition) {
      at.offset = std::max(at.offset, reached.offset);
      return;
    }
  reached_.push_back(reached);
}

void page_state::add(const page_delta& delta, int64_t now_us,
                     std::vector<std::pair<int32_t, uint64_t>>* changed) {
  assert(loaded_ && !includes(delta) && delta.next_offset > 0);
  const int32_t oldest = minute_of(now_us) - hour;
  page_no_ = delta.page_no;
  clicks_ += delta.clicks.size();
  for (const auto& x : delta.clicks) {
    last_at_us_ = std::max(last_at_us_, x.at_us);
    add_minute(minute_of(x.at_us), 1, oldest);
    if (detailed_) {
      add_type(x.type_no);
      auto& clicks = user_clicks_[x.user_no];
      ++clicks;
      if (changed)
        changed->emplace_back(x.user_no, clicks);
    }
  }
  advance({delta.partition, delta.next_offset - 1});
}

std::vector<audit_difference> page_state::differences(const page_load& stored) const {
  std::vector<audit_difference> out;
  if (stored.clicks != clicks_)
    return out;
  auto compare = [&out](std::string key, uint64_t expected, uint64_t found) {
    if (expected != found && out.size() < differences_max)
      out.push_back({"live page", std::move(key), expected, found});
  };
  compare("number", static_cast<uint64_t>(stored.page_no), static_cast<uint64_t>(page_no_));
  compare("last event (us)", static_cast<uint64_t>(stored.last_at_us),
          static_cast<uint64_t>(last_at_us_));
  if (!detailed_)
    return out;
  compare("event types", stored.by_type.size(), by_type_.size());
  for (const auto& [type_no, clicks] : stored.by_type) {
    auto row = std::find_if(by_type_.begin(), by_type_.end(),
                            [no = type_no](const auto& x) { return x.number == no; });
    compare("event type " + std::to_string(type_no), clicks,
            row == by_type_.end() ? 0 : row->clicks);
  }
  if (!stored.users_complete)
    return out;
  compare("users", stored.user_clicks.size(), user_clicks_.size());
  for (const auto& [user_no, clicks] : stored.user_clicks)
    compare("user number " + std::to_string(user_no), clicks, clicks_of(user_no));
  return out;
}

void page_state::add_minute(int32_t minute, uint32_t clicks, int32_t oldest) {
  if (minute < oldest || minute >= minutes_end_)
    return;
  if (minutes_.size() > 2 * hour && minutes_.front().first < oldest)
    minutes_.erase(minutes_.begin(),
                   std::lower_bound(minutes_.begin(), minutes_.end(), std::pair{oldest, 0u}));
  auto at = std::lower_bound(minutes_.begin(), minutes_.end(), std::pair{minute, 0u});
  if (at != minutes_.end() && at->first == minute)
    at->second += clicks;
  else
    minutes_.insert(at, {minute, clicks});
  if (minutes_.size() > page_load::minutes_max) {
    minutes_end_ = minutes_.back().first;
    minutes_.pop_back();
  }
  assert(minutes_.size() <= page_load::minutes_max);
}

void page_state::add_type(int32_t type_no) {
  const bool full = by_type_.size() >= limits::named_types;
  if (full && type_no > by_type_.back().number)
    return;
  auto at = std::lower_bound(by_type_.begin(), by_type_.end(), type_no,
                             [](const auto& x, int32_t no) { return x.number < no; });
  if (at != by_type_.end() && at->number == type_no) {
    ++at->clicks;
    return;
  }
  by_type_.insert(at, {type_no, 1});
  if (full)
    by_type_.pop_back();
  assert(by_type_.size() <= limits::named_types);
}

void page_state::forget_details() {
  detailed_ = false;
  std::exchange(user_clicks_, {});
  std::exchange(by_type_, {});
}

uint64_t page_state::clicks_of(int32_t user_no) const {
  auto at = user_clicks_.find(user_no);
  return at == user_clicks_.end() ? 0 : at->second;
}

std::vector<uint64_t> page_state::last_hour(int64_t now_us) const {
  std::vector<uint64_t> out(hour, 0);
  const int32_t first = minute_of(now_us) - hour + 1;
  for (const auto& [minute, clicks] : minutes_)
    if (minute >= first && minute < first + hour)
      out[static_cast<size_t>(minute - first)] = clicks;
  return out;
}

std::vector<numbered_count> page_state::top_users(uint32_t limit) const {
  auto more = [](const auto& a, const auto& b) { return a.clicks > b.clicks; };
  std::vector<numbered_count> all;
  all.reserve(user_clicks_.size());
  for (const auto& [user_no, clicks] : user_clicks_)
    all.push_back({user_no, clicks});
  if (all.size() > limit) {
    const auto last = all.begin() + limit;
    std::nth_element(all.begin(), last, all.end(), more);
    const uint64_t least = last->clicks;
    all.erase(std::remove_if(last, all.end(), [&](const auto& x) { return x.clicks < least; }),
              all.end());
  }
  std::sort(all.begin(), all.end(), more);
  return all;
}

} // namespace footfall::model
