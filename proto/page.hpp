#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "proto/query.hpp"

namespace footfall {

/// The committed clicks that one batch added to one page.
struct page_delta {
  std::string page; ///< "site NUL page".
  int32_t page_no = 0;
  uint32_t partition = 0;   ///< Of the batch.
  int64_t next_offset = 0;  ///< One past the batch.
  uint64_t incarnation = 0; ///< Of the store that the numbers are of.
  struct click {
    int32_t user_no = 0;
    int32_t type_no = 0;
    int64_t at_us = 0;
  };
  std::vector<click> clicks;
  int64_t as_of_us = 0; ///< With it the page is as fresh as this; 0: nobody knows.
};
template <class Inspector>
auto inspect(Inspector& f, page_delta::click& x) {
  return wire::object(f, "delta_click", x.user_no, x.type_no, x.at_us);
}
template <class Inspector>
auto inspect(Inspector& f, page_delta& x) {
  return wire::object(f, "page_delta", x.page, x.page_no, x.partition, x.next_offset, x.incarnation,
                      x.clicks, x.as_of_us);
}

/// A question that the live state of one page may answer.
struct page_ask {
  uint64_t ticket = 0;                 ///< Of the asking actor; comes back in the answer.
  query_kind kind = query_kind::count; ///< count, page or users.
  std::string page;                    ///< "site NUL page".
  int32_t user_no = 0;                 ///< count only.
  uint32_t limit = 0;                  ///< users only.
  int64_t as_of_us = 0;                ///< What is live when this is read is as fresh at least.
};
template <class Inspector>
auto inspect(Inspector& f, page_ask& x) {
  auto kind = static_cast<uint8_t>(x.kind);
  auto load = [&]() -> caf::error {
    x.kind = static_cast<query_kind>(kind);
    return caf::none;
  };
  return f(caf::meta::type_name("page_ask"), x.ticket, kind, x.page, x.user_no, x.limit, x.as_of_us,
           caf::meta::load_callback(load));
}

struct numbered_count {
  int32_t number = 0; ///< Of a user or an event type.
  uint64_t clicks = 0;
};
template <class Inspector>
auto inspect(Inspector& f, numbered_count& x) {
  return wire::object(f, "numbered_count", x.number, x.clicks);
}

/// What a page aggregator knows. `live` false: nobody holds the page live, or not
/// in the detail asked for; the store knows.
struct page_answer {
  uint64_t ticket = 0;
  bool live = false;
  errc code = errc::none;
  std::string reason;
  bool loaded_now = false; ///< The state was read from the store for this question.
  uint64_t clicks = 0;     ///< count: of the user; else of the page.
  uint64_t version = 0;    ///< Counted clicks of the page.
  uint64_t users = 0;
  int64_t as_of_us = 0;
  std::vector<position> reached;
  std::vector<numbered_count> rows; ///< page: by type, the named ones; users: the top.
  std::vector<uint64_t> minutes;
  uint64_t incarnation = 0; ///< Of the store that the numbers are of; 0: there are none.
};
template <class Inspector>
auto inspect(Inspector& f, page_answer& x) {
  auto code = static_cast<uint8_t>(x.code);
  auto load = [&]() -> caf::error {
    x.code = static_cast<errc>(code);
    return caf::none;
  };
  return f(caf::meta::type_name("page_answer"), x.ticket, x.live, code, x.reason, x.loaded_now,
           x.clicks, x.version, x.users, x.as_of_us, x.reached, x.rows, x.minutes, x.incarnation,
           caf::meta::load_callback(load));
}

/// Who is active on the pages of a site, asked of each partition.
struct active_ask {
  static constexpr uint32_t all = std::numeric_limits<uint32_t>::max();

  uint64_t ticket = 0; ///< Of the asking actor; comes back in the answer.
  std::string site_id;
  std::string page_url;     ///< Empty: all of the site's.
  uint32_t partition = all; ///< Where that page lives.
  uint32_t limit = 0;
  caf::strong_actor_ptr to; ///< QUERY that gathers the answers; it may be of another node.
};
template <class Inspector>
auto inspect(Inspector& f, active_ask& x) {
  return wire::object(f, "active_ask", x.ticket, x.site_id, x.page_url, x.partition, x.limit, x.to);
}

/// A page with what was done on it in the window.
struct active_page {
  std::string page_url;
  uint64_t visitors = 0;
  uint64_t clicks = 0;
};
template <class Inspector>
auto inspect(Inspector& f, active_page& x) {
  return wire::object(f, "active_page", x.page_url, x.visitors, x.clicks);
}

/// What one partition knows. More users and pages than one message may hold come in several, of
/// which the last has all else.
struct active_part {
  static constexpr size_t bytes_max = 256 << 10; ///< Of users and pages.

  uint64_t ticket = 0;
  uint32_t partition = 0;
  bool is_last = true;
  errc code = errc::none;
  std::string reason;
  std::vector<int32_t> users; ///< Numbers, each in one message alone.
  uint64_t clicks = 0;
  std::vector<active_page> pages; ///< Some of all_pages: those with the most visitors.
  uint64_t all_pages = 0;
  int64_t missing_s = 0; ///< Clicks of so many seconds, the first of the window, may be missing.
  int64_t age_us = 0;    ///< It is as fresh as what was known so long ago.
  std::vector<position> reached;
  uint64_t incarnation = 0; ///< Of the store that the numbers are of.
};
template <class Inspector>
auto inspect(Inspector& f, active_part& x) {
  return wire::reply(f, "active_part", x, x.ticket, x.partition, x.is_last, x.users, x.clicks,
                     x.pages, x.all_pages, x.missing_s, x.age_us, x.reached, x.incarnation);
}

/// All that is known of one page, at the snapshot.
struct page_load {
  /// What a client may date ahead is not all kept in memory.
  static constexpr size_t minutes_max = 4096;

  int32_t page_no = 0; ///< 0: no such page; the rest is empty then.
  uint64_t clicks = 0;
  uint64_t users = 0;
  int64_t last_at_us = 0;
  /// type_no, clicks; the limits::named_types lowest numbers, in order.
  std::vector<std::pair<int32_t, uint64_t>> by_type;
  /// Minute since 1970, clicks; the first minutes_max of the asked range, in order.
  std::vector<std::pair<int32_t, uint32_t>> minutes;
  std::vector<std::pair<int32_t, uint32_t>>
      user_clicks; ///< user_no, clicks; empty when over the limit
  bool users_complete = true;
  int64_t as_of_us = 0; ///< Filled in by who asks the store.

  /// Fills in by_type and minutes from sums that stand in the order of their numbers.
  template <class Types, class Minutes>
  void keep_first(const Types& types, const Minutes& by_minute) {
    auto end = [](const auto& of, size_t most) {
      return std::next(of.begin(), static_cast<std::ptrdiff_t>(std::min(of.size(), most)));
    };
    by_type.assign(types.begin(), end(types, limits::named_types));
    minutes.assign(by_minute.begin(), end(by_minute, minutes_max));
  }
};

template <class Inspector>
auto inspect(Inspector& f, page_load& x) {
  return wire::object(f, "page_load", x.page_no, x.clicks, x.users, x.last_at_us, x.by_type,
                      x.minutes, x.user_clicks, x.users_complete, x.as_of_us);
}

} // namespace footfall
