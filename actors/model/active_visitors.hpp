#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "proto/page.hpp"

namespace footfall::model {

/// Who clicked in the last five minutes on the pages of one partition, by the second of each
/// click: exact, or known not to be. A click that is dated ahead counts as one of now. What it
/// holds is bounded by entries of some 25 bytes: one for each user of a page, one for each second
/// in which a page was clicked, and some for each page.
///
/// It goes by a clock that may be set. Up to `steps_back_s` its last second counts on until the
/// clock has caught up; beyond, nothing of before is of use.
class active_visitors {
public:
  static constexpr int64_t window_s = 300; ///< The running second is its last.
  static constexpr int64_t steps_back_s = 5;

  explicit active_visitors(size_t entries_max = 100) : entries_max_(entries_max) {}

  /// Nothing is known of what came before.
  void begin(int64_t now_s);
  /// Clicks until now may have been missed.
  void doubt(int64_t now_s) { since_s_ = heed(now_s) + 1; }

  void add(const page_delta& x, int64_t now_s);

  struct view {
    int64_t missing_s = 0;          ///< Clicks of so many seconds, the first of the window, may be.
    bool is_full = false;           ///< Some are, as there were too many; the rest is void.
    uint64_t clicks = 0;            ///< Of all pages.
    std::vector<int32_t> users;     ///< Each once, in order.
    std::vector<active_page> pages; ///< Those with the most visitors.
    uint64_t all_pages = 0;         ///< So many had clicks.
  };
  /// @param page_url of one page alone; empty: of all the site's.
  view read(std::string_view site_id, std::string_view page_url, size_t most, int64_t now_s);

  size_t entries() const noexcept { return entries_; }

private:
  struct second {
    int64_t at_s = 0;
    uint64_t clicks = 0;
  };
  struct page {
    std::string name;                           ///< "site NUL page".
    std::vector<second> clicks;                 ///< Those that have any, in order.
    absl::flat_hash_map<int32_t, int64_t> seen; ///< By user, the last second.
    size_t entries() const;
  };

  int64_t heed(int64_t now_s);
  void add(page& to, int32_t user_no, int64_t at_s, int64_t now_s);
  bool has_room(int64_t now_s);
  void sweep(int64_t now_s);
  void read_page(const page& x, int64_t from_s, view& out) const;

  size_t entries_max_;
  size_t entries_ = 0;
  int64_t now_s_ = 0;   ///< The last second that it was told.
  int64_t since_s_ = 0; ///< Clicks before this second may be missing.
  int64_t full_s_ = -1; ///< Clicks of this second, or before, were left out.
  int64_t swept_s_ = 0;
  absl::flat_hash_map<int32_t, page> pages_; ///< By number.
};

/// Those with the most visitors first, then the most clicks, then by name.
bool is_busier(const active_page& a, const active_page& b);

} // namespace footfall::model
