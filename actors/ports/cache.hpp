#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "proto/event.hpp"

namespace footfall {

/// A page of a site, as the cache knows it: "site NUL page".
using cache_page = std::string;

struct cache_ask {
  cache_page page;
  int32_t user_no = 0;
};

struct cached_count {
  bool hit = false;
  uint64_t clicks = 0;
  uint64_t version = 0; ///< Counted clicks of the page when this was true.
  int64_t as_of_us = 0;
  std::vector<position> reached;
};

/// A count that was read elsewhere, to be remembered.
struct cache_fill {
  cache_page page;
  uint64_t version = 0;
  int64_t as_of_us = 0;
  std::vector<position> reached;
  int32_t user_no = 0;
  uint64_t clicks = 0;
  int64_t read_us = 0; ///< When the reading began, by steady_now().
};

/// A page that moved on: from `from` to `to` counted clicks. When the cache holds
/// exactly `from` it takes over `changed` (the new counts of the users that
/// clicked) and keeps the rest; otherwise everything older than `to` goes.
/// `from` = 0 with empty `changed` is a tombstone at `to`.
struct cache_advance {
  cache_page page;
  uint64_t from = 0;
  uint64_t to = 0;
  int64_t as_of_us = 0;
  std::vector<position> reached;
  std::vector<std::pair<int32_t, uint64_t>> changed;
};

/// Counts that were true a moment ago. One entry for each page with one version
/// for all its users; a value is replaced by a newer version only, never by an
/// older one. Every entry has a time to live. Losing everything at any moment
/// costs latency, nothing else.
///
/// A lookup answers with nothing older than it was given before. No call blocks;
/// callbacks run exactly once. When it is slow, full or gone, lookups miss at once.
/// Every adapter passes tests/contract/cache.cpp.
class cache {
public:
  using get_done = std::function<void(std::vector<cached_count>)>;

  virtual ~cache() = default;
  virtual void get(std::vector<cache_ask> keys, get_done done) = 0;
  virtual void fill(std::vector<cache_fill> values) = 0;
  virtual void advance(std::vector<cache_advance> pages) = 0;
  /// Advances may be missing: what was remembered, or read, before this call is never
  /// answered to who asks after it.
  virtual void forget() = 0;
  /// Empty when healthy, else what is wrong (the node works on without it).
  virtual std::string health() const = 0;
};

} // namespace footfall
