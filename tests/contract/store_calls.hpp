#pragma once

#include <catch2/catch.hpp>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "actors/model/event_key.hpp"
#include "actors/ports/store.hpp"
#include "tests/contract/await.hpp"

/// The calls of a store, waited for; and rows to give them.
namespace footfall::test {

/// What a store answered. To read the value of an answer that is an error ends the test:
/// caf::expected would give the bytes of the error as a value.
template <class T>
class answered : public caf::expected<T> {
public:
  answered(caf::expected<T> x) : caf::expected<T>(std::move(x)) {}
  answered(caf::error x) : caf::expected<T>(std::move(x)) {}
  answered(T x) : caf::expected<T>(std::move(x)) {}

  T* operator->() { return &checked(*this); }
  const T* operator->() const { return &checked(*this); }
  T& operator*() { return checked(*this); }
  const T& operator*() const { return checked(*this); }

private:
  template <class Self>
  static auto& checked(Self& x) {
    if (!x)
      throw std::runtime_error("the value of a failed answer was read: " + text_of(x.error()));
    return x.value();
  }
};

template <class T, class Call>
answered<T> ask(Call call) {
  answer<caf::expected<T>> reply;
  call(store::done<T>{reply.callback()});
  return reply.get();
}

inline answered<partition_claim> claim(store& db, uint32_t partition) {
  return ask<partition_claim>([&](auto done) { db.claim(partition, done); });
}
inline answered<apply_result> apply(store& db, apply_request batch) {
  return ask<apply_result>([&](auto done) { db.apply(std::move(batch), done); });
}
inline answered<fold_result> fold(store& db, uint32_t partition, int64_t from, int64_t until) {
  return ask<fold_result>([&](auto done) { db.fold(partition, from, until, done); });
}
inline answered<snapshot<pair_count>> counts(store& db, std::vector<pair_key> keys) {
  return ask<snapshot<pair_count>>([&](auto done) { db.read_counts(std::move(keys), done); });
}
inline answered<snapshot<page_load>> load(store& db, std::vector<page_key> keys,
                                          int32_t first_minute = 0, uint32_t users_max = 1000) {
  return ask<snapshot<page_load>>(
      [&](auto done) { db.load_pages(std::move(keys), first_minute, users_max, done); });
}
inline answered<snapshot<named_count>> top_pages(store& db, const std::string& site_id,
                                                 int64_t from_us, int64_t to_us, uint32_t limit) {
  return ask<snapshot<named_count>>(
      [&](auto done) { db.top_pages(site_id, from_us, to_us, limit, done); });
}
inline answered<snapshot<series_point>> minutes(store& db, page_key key, int64_t from_us,
                                                int64_t to_us) {
  return ask<snapshot<series_point>>(
      [&](auto done) { db.minutes(std::move(key), from_us, to_us, done); });
}
inline answered<snapshot<named_count>> top_users(store& db, page_key key, uint32_t limit) {
  return ask<snapshot<named_count>>([&](auto done) { db.top_users(std::move(key), limit, done); });
}
inline answered<std::vector<std::string>> user_names(store& db, std::vector<int32_t> xs) {
  auto out = ask<snapshot<std::string>>(
      [&](auto done) { db.user_names(default_site, std::move(xs), done); });
  if (!out)
    return std::move(out.error());
  return std::move(out->values);
}
inline answered<std::vector<std::string>> type_names(store& db, std::vector<int32_t> xs) {
  auto out = ask<snapshot<std::string>>(
      [&](auto done) { db.type_names(default_site, std::move(xs), done); });
  if (!out)
    return std::move(out.error());
  return std::move(out->values);
}
inline answered<std::vector<audit_difference>> audit(store& db) {
  return ask<std::vector<audit_difference>>([&](auto done) { db.audit(done); });
}
inline answered<page_recount> audit_page(store& db, page_key key) {
  return ask<page_recount>([&](auto done) { db.audit_page(std::move(key), done); });
}
inline answered<std::vector<partition_state>> progress(store& db) {
  return ask<std::vector<partition_state>>([&](auto done) { db.progress(done); });
}
inline answered<bad_event_page> bad_page(store& db, bad_events_ask what) {
  return ask<bad_event_page>([&](auto done) { db.bad_events(what, done); });
}
inline answered<uint64_t> mark(store& db, std::vector<redriven> rows) {
  return ask<uint64_t>([&](auto done) { db.mark_redriven(std::move(rows), done); });
}
/// The first bad events.
inline std::vector<bad_event> bad_events(store& db, uint32_t limit) {
  auto page = bad_page(db, {{}, limit, false});
  REQUIRE(page);
  return std::move(page->rows);
}

/// 2025-01-01T00:00:00Z.
inline constexpr int64_t day_us = 1'735'689'600'000'000;

inline event_row row(int64_t offset, const std::string& event_id, const std::string& page_url,
                     const std::string& user_id, int64_t at_us = day_us,
                     const std::string& event_type = "click",
                     const std::string& site_id = "default") {
  event_row out;
  out.offset = offset;
  out.site_id = site_id;
  out.event_id = event_id;
  out.user_id = user_id;
  out.event_type = event_type;
  out.page_url = page_url;
  const auto key = model::event_key_of(event_id);
  out.key = key.bytes;
  out.key_is_id = key.is_id;
  out.at_us = at_us;
  out.received_at_us = at_us + 5;
  out.payload_hash = model::payload_hash(user_id, event_type, page_url);
  return out;
}

inline apply_request batch(uint32_t partition, int64_t epoch, int64_t first, int64_t next,
                           std::vector<event_row> rows, std::vector<bad_row> bad = {}) {
  return {partition, epoch, first, next, std::move(rows), std::move(bad), {}};
}

/// Indexes of the rows that were new.
inline std::vector<uint32_t> fresh_of(const apply_result& x) {
  std::vector<uint32_t> out;
  for (const auto& row : x.fresh)
    out.push_back(row.row);
  return out;
}

/// Clicks and page version of one pair.
inline std::pair<uint64_t, uint64_t> count(store& db, const std::string& page_url,
                                           const std::string& user_id,
                                           const std::string& site_id = "default") {
  auto x = counts(db, {{site_id, page_url, user_id}});
  return {x->values.at(0).clicks, x->values.at(0).version};
}

using pairs = std::vector<std::pair<std::string, uint64_t>>;

inline pairs as_pairs(const answered<snapshot<named_count>>& x) {
  pairs out;
  for (const auto& row : x->values)
    out.emplace_back(row.name, row.clicks);
  return out;
}

inline void require_clean(store& db) {
  auto found = audit(db);
  REQUIRE(found);
  for (const auto& x : *found)
    FAIL(x.table << ' ' << x.key << ": " << x.expected << " became " << x.found);
}

} // namespace footfall::test
