#include "net/http/system_history.hpp"

#include <algorithm>

#include "net/http/json_text.hpp"

namespace footfall::http {

namespace {

constexpr int64_t second_us = 1'000'000;

/// In the order of system_history::look().
constexpr const char* names[] = {"accepted", "rejected", "unknown", "applied", "duplicates",
                                 "cache",    "actor",    "store",   "failed"};
constexpr size_t queries_at = 5; ///< The first of them that counts queries.

bucket_counts less(const bucket_counts& a, const bucket_counts& b) {
  bucket_counts out{};
  for (size_t i = 0; i < out.size(); ++i)
    out[i] = a[i] - b[i];
  return out;
}

} // namespace

bucket_counts counts_of(const duration_histogram& x) {
  bucket_counts out{};
  for (size_t i = 0; i < out.size(); ++i)
    out[i] = x.in_bucket(i);
  return out;
}

int quantile(const bucket_counts& counts, uint64_t of_1000) {
  uint64_t all = 0;
  for (const auto x : counts)
    all += x;
  if (all == 0)
    return -1;
  const auto wanted = (all * of_1000 + 999) / 1000;
  uint64_t below = 0;
  size_t at = 0;
  for (; at + 2 < counts.size(); ++at)
    if ((below += counts[at]) >= wanted)
      break;
  return static_cast<int>(at);
}

void append_bound(std::string& out, int bucket) {
  if (bucket < 0) {
    out += "null";
    return;
  }
  const auto us = duration_histogram::bound_us(static_cast<size_t>(bucket));
  append_number(out, static_cast<uint64_t>(us / 1000));
  if (us % 1000 != 0)
    out += '.' + std::to_string(us % 1000 / 100);
}

system_history::system_history(const metrics& counts) : counts_(counts), ring_(seconds_most) {}

system_history::counted system_history::look() const {
  const auto& x = counts_;
  counted out{};
  size_t at = 0;
  for (const auto* one : {&x.events_accepted, &x.events_rejected, &x.events_unknown,
                          &x.events_applied, &x.events_duplicate, &x.queries_from_cache,
                          &x.queries_from_actor, &x.queries_from_store, &x.queries_failed})
    out[at++] = one->load(std::memory_order_relaxed);
  return out;
}

void system_history::tick(int64_t now_us) {
  const auto now_s = now_us / second_us;
  if (now_s == now_s_)
    return;
  const auto seen = look();
  const auto freshness = counts_of(counts_.freshness), append = counts_of(counts_.append_duration);
  // A clock that was set, by more than a pause: what was told of before is another time's.
  const bool goes_on = now_s_ >= 0 && now_s > now_s_ && now_s - now_s_ < seconds_most;
  if (goes_on) {
    for (auto s = last_s_ < 0 ? now_s_ : last_s_ + 1; s < now_s; ++s)
      ring_[static_cast<size_t>(s % seconds_most)] = {};
    if (last_s_ < 0)
      first_s_ = now_s_;
    last_s_ = now_s - 1;
    auto& to = ring_[static_cast<size_t>(last_s_ % seconds_most)];
    to.is_known = true;
    for (size_t i = 0; i < columns; ++i)
      to.done[i] = seen[i] - seen_[i];
    const auto fresh = less(freshness, freshness_);
    to.freshness_50 = static_cast<int8_t>(quantile(fresh, 500));
    to.freshness_99 = static_cast<int8_t>(quantile(fresh, 990));
    to.append_99 = static_cast<int8_t>(quantile(less(append, append_), 990));
  } else {
    last_s_ = -1;
  }
  now_s_ = now_s;
  seen_ = seen;
  freshness_ = freshness;
  append_ = append;
}

std::string system_history::render(uint32_t seconds) const {
  const auto known = last_s_ < 0 ? 0 : std::min<int64_t>(last_s_ - first_s_ + 1, seconds_most);
  const auto count = std::min<int64_t>(seconds, known);
  const auto from = last_s_ - count + 1;
  std::string out = "{\"step_s\":1";
  append_known(out, "seconds", count);
  append_key(out, "from");
  if (count == 0)
    out += "null";
  else
    append_time(out, from * second_us);
  auto column = [&](const char* name, auto append) {
    append_key(out, name);
    out += '[';
    for (auto s = from; s < from + count; ++s) {
      const auto& x = ring_[static_cast<size_t>(s % seconds_most)];
      if (out.back() != '[')
        out += ',';
      if (x.is_known)
        append(x);
      else
        out += "null";
    }
    out += ']';
  };
  for (size_t i = 0; i < columns; ++i) {
    if (i == queries_at)
      out += ",\"queries\":{";
    column(names[i], [&](const sample& x) { append_number(out, x.done[i]); });
  }
  out += "},\"freshness\":{";
  column("p50_ms", [&](const sample& x) { append_bound(out, x.freshness_50); });
  column("p99_ms", [&](const sample& x) { append_bound(out, x.freshness_99); });
  out += '}';
  column("append_p99_ms", [&](const sample& x) { append_bound(out, x.append_99); });
  out += '}';
  return out;
}

} // namespace footfall::http
