#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proto/error.hpp"
#include "proto/query.hpp"

namespace footfall {

/// How many live pages an audit compares with the store.
enum class audit_live : uint8_t { none, sample, all };

struct audit_ask {
  audit_live live = audit_live::sample; ///< Of one page: none, or whether it is live.
  std::string site_id = {};
  std::string page_url = {}; ///< One page alone; empty: all there is.
};
template <class Inspector>
auto inspect(Inspector& f, audit_ask& x) {
  auto live = static_cast<uint8_t>(x.live);
  auto load = [&]() -> caf::error {
    x.live = static_cast<audit_live>(live);
    return caf::none;
  };
  return f(caf::meta::type_name("audit_ask"), live, x.site_id, x.page_url,
           caf::meta::load_callback(load));
}

/// How far one partition is, as store, memory and log say; -1: not known.
struct audit_partition {
  uint32_t partition = 0;
  int64_t log_first = -1;
  int64_t log_end = -1;
  int64_t acknowledged_end = -1; ///< One past the newest position that is known here.
  int64_t next_offset = -1;      ///< Of the store: applied below.
  int64_t folded_offset = -1;
};
template <class Inspector>
auto inspect(Inspector& f, audit_partition& x) {
  return wire::object(f, "audit_partition", x.partition, x.log_first, x.log_end, x.acknowledged_end,
                      x.next_offset, x.folded_offset);
}

struct audit_reply {
  errc code = errc::none;
  std::string reason;
  std::vector<audit_difference> differences;
  std::vector<audit_partition> partitions;
  std::vector<std::string> checked;     ///< What was compared, for people.
  std::vector<std::string> not_checked; ///< And what an `ok` says nothing of.
};
template <class Inspector>
auto inspect(Inspector& f, audit_reply& x) {
  auto code = static_cast<uint8_t>(x.code);
  auto load = [&]() -> caf::error {
    x.code = static_cast<errc>(code);
    return caf::none;
  };
  return f(caf::meta::type_name("audit_reply"), code, x.reason, x.differences, x.partitions,
           x.checked, x.not_checked, caf::meta::load_callback(load));
}

/// The names of live pages ("site NUL page").
struct live_pages {
  std::vector<std::string> pages;
  uint64_t all = 0; ///< That are live, whether they are in `pages` or not.
};
template <class Inspector>
auto inspect(Inspector& f, live_pages& x) {
  return wire::object(f, "live_pages", x.pages, x.all);
}

/// A live page beside a snapshot of the store.
struct page_check {
  bool live = false; ///< False: it is not live (any more), or not loaded yet.
  uint64_t clicks = 0;
  std::vector<audit_difference> differences; ///< Looked for when the clicks are the same.
};
template <class Inspector>
auto inspect(Inspector& f, page_check& x) {
  return wire::object(f, "page_check", x.live, x.clicks, x.differences);
}

} // namespace footfall
