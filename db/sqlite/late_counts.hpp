#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <tuple>
#include <utility>
#include <vector>

namespace footfall::sqlite {

/// Page and user as one number that sorts by page, then by user: page_no << 32 | user_no.
constexpr int64_t pair_key_of(int32_t page_no, int32_t user_no) noexcept {
  return int64_t{page_no} << 32 | user_no;
}
constexpr int64_t end_of_page(int32_t page_no) noexcept {
  return (int64_t{page_no} + 1) << 32;
}

/// A minute of a page, and a type: what core_page_series has a row for.
struct minute_key {
  int32_t page_no = 0;
  int32_t minute = 0; ///< Since 1970.
  int32_t type_no = 0;

  friend bool operator<(const minute_key& a, const minute_key& b) noexcept {
    return std::tie(a.page_no, a.minute, a.type_no) < std::tie(b.page_no, b.minute, b.type_no);
  }
  friend bool operator==(const minute_key& a, const minute_key& b) noexcept {
    return std::tie(a.page_no, a.minute, a.type_no) == std::tie(b.page_no, b.minute, b.type_no);
  }
  template <class H>
  friend H AbslHashValue(H h, const minute_key& x) {
    return H::combine(std::move(h), x.page_no, x.minute, x.type_no);
  }
};

/// Clicks of pairs and of minutes, of the rows of one slice from a position on and below another.
struct late_span {
  struct minute_clicks {
    minute_key key;
    int32_t site_no = 0;
    uint32_t clicks = 0;
  };

  int64_t from = 0;
  int64_t until = 0;
  uint64_t rows = 0;
  std::vector<int64_t> pairs;         ///< In order.
  std::vector<uint32_t> clicks;       ///< Of each pair.
  std::vector<minute_clicks> minutes; ///< In order.

  /// Adds a click of a pair; they come in order. The same of a minute.
  void add(int64_t pair);
  void add(const minute_key& key, int32_t site_no);
  /// The place of the first that is not lower.
  size_t place_of(int64_t pair) const;
  size_t place_of(const minute_key& key) const;
};

/// Those of both; `b` follows `a`.
late_span joined(const late_span& a, const late_span& b);

/// What is folded and waits for its merge, in memory: for each slice (the upper bits of a position)
/// a few spans, each of its own range of positions. The writer changes it once a commit has made it
/// true; readers take it before they begin a transaction, so that it says nothing of what they do
/// not see.
class late_counts {
public:
  using span = std::shared_ptr<const late_span>;
  struct slice {
    int64_t number = 0;
    std::vector<span> spans; ///< In the order of their positions.
  };
  using view = std::vector<std::shared_ptr<const slice>>; ///< Those that have some, by number.

  /// Any thread.
  std::shared_ptr<const view> now() const;

  /// The writer's thread, for the rest. Adds a span behind what its slice has. Small ones become
  /// one, so that a slice has few, but none joins `frozen`.
  void add(late_span made, const span& frozen);
  /// Makes one of all spans of a slice, which must have some.
  span join_all(int64_t number);
  /// Takes the first span of a slice away.
  void drop_first(int64_t number);

private:
  template <class Change>
  void change(int64_t number, Change change);

  mutable std::mutex lock_;
  std::shared_ptr<const view> now_ = std::make_shared<const view>();
};

} // namespace footfall::sqlite
