#pragma once

#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "actors/ports/cache.hpp"
#include "actors/ports/clock.hpp"

namespace footfall {

/// The cache of embedded mode: in this process, the least recently used pages go
/// first. Callbacks run before the call returns. Any thread.
class memory_cache final : public cache {
public:
  struct config {
    size_t bytes_max = 64 << 20; ///< Of all pages and counts, about.
    size_t pages_max = 100'000;
    size_t users_of_page_max = 100'000; ///< A page with more starts over.
    int64_t ttl_us = 30'000'000;
    now_fn steady = steady_now;
  };

  explicit memory_cache(config settings);

  void get(std::vector<cache_ask> keys, get_done done) override;
  void fill(std::vector<cache_fill> values) override;
  void advance(std::vector<cache_advance> pages) override;
  void forget() override;
  std::string health() const override { return {}; }

  size_t pages() const;
  size_t bytes() const;

private:
  struct entry {
    cache_page page;
    uint64_t version = 0;
    int64_t as_of_us = 0;
    int64_t ends_us = 0;
    std::vector<position> reached; ///< Of pages that were asked for.
    absl::flat_hash_map<int32_t, uint64_t> users;
    bool asked_for = false; ///< Somebody filled it: its users go along as it moves on.
    size_t bytes() const;
  };
  using entries = std::list<entry>;

  entry* find(const cache_page& page);
  /// The entry of a page that is about to be at `version`: moved to the front,
  /// made when missing, nullptr when it is newer. Users of older versions are gone
  /// unless `keep` is the version it had.
  entry* open(const cache_page& page, uint64_t version, uint64_t keep);
  /// The entry holds what was so at `as_of_us`, unless it is newer.
  void refresh(entry& x, int64_t as_of_us, const std::vector<position>& reached);
  void put(entry& to, int32_t user_no, uint64_t clicks);
  void drop(entries::iterator x);
  void shrink();

  const config config_;
  mutable std::mutex lock_;
  entries entries_; ///< Most recently used first.
  absl::flat_hash_map<std::string_view, entries::iterator> by_page_;
  size_t bytes_ = 0;
  int64_t fills_from_us_ = 0; ///< No fill is taken before.
};

} // namespace footfall
