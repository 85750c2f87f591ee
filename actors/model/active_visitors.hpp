#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "proto/page.hpp"

namespace footfall::model {

/// Who clicked in the last five minutes on the pages of one partition, by the second of each
/// click: exact, or known not to be. Holds a user once for each page; how many of these pairs
/// it may hold is bounded. A click that is dated ahead counts as one of now.
class active_visitors {
public:
  static constexpr int64_t window_s = 300; ///< The running second is its last.

  explicit active_visitors(size_t pairs_max = 1) : pairs_max_(pairs_max) {}

  /// Nothing is known of what came before, up to the second `now_s`; `knows_all`: nothing came.
  void begin(int64_t now_s, bool knows_all);
  /// Clicks until now may have been missed.
  void doubt(int64_t now_s) { since_s_ = now_s + 1; }

  void add(const page_delta& x, int64_t now_s);

  struct view {
    int64_t since_s = 0;            ///< Clicks before this second may be missing.
    bool is_full = false;           ///< Some are, as there were too many; the rest is void.
    uint64_t clicks = 0;            ///< Of all pages.
    std::vector<int32_t> users;     ///< Each once, in order.
    std::vector<active_page> pages; ///< Those with the most visitors.
    uint64_t all_pages = 0;         ///< So many had clicks.
  };
  /// @param page_url of one page alone; empty: of all the site's.
  /// @param from_s first second of the window.
  view read(std::string_view site_id, std::string_view page_url, int64_t from_s, size_t most);

  size_t pairs() const noexcept { return pairs_; }

private:
  struct second {
    int64_t at_s = 0;
    uint64_t clicks = 0;
  };
  struct page {
    std::string name;                           ///< "site NUL page".
    std::vector<second> clicks;                 ///< Those that have any, in order.
    absl::flat_hash_map<int32_t, int64_t> seen; ///< By user, the last second.
  };

  void add(page& to, int32_t user_no, int64_t at_s, int64_t now_s);
  bool has_room(int64_t now_s);
  void sweep(int64_t now_s);

  size_t pairs_max_;
  size_t pairs_ = 0;
  int64_t since_s_ = 0;
  int64_t full_s_ = -1; ///< Clicks of this second, or before, were left out.
  int64_t swept_s_ = 0;
  absl::flat_hash_map<int32_t, page> pages_; ///< By number.
};

/// Those with the most visitors first, then the most clicks, then by name.
bool is_busier(const active_page& a, const active_page& b);

} // namespace footfall::model
