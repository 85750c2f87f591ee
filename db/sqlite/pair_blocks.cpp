#include "db/sqlite/pair_blocks.hpp"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <limits>

#include <sqlite3.h>

#include "db/sqlite/late_counts.hpp"

namespace footfall::sqlite {

namespace {

constexpr int64_t low32 = 0xffffffff;
constexpr size_t rows_of_report = 1'000'000;
constexpr size_t pairs_at_once = 10'000; ///< Of a page, that are brought over.

int32_t base_of(int64_t first) noexcept {
  return static_cast<int32_t>(first & low32);
}

/// The block that a pair stands in; and with it, where the next one begins.
constexpr const char* find_sql = "SELECT first, data FROM core_pair_blocks"
                                 " WHERE first <= ?1 AND first >= ?2 ORDER BY first DESC LIMIT 1";
constexpr const char* find_with_end_sql =
    "SELECT first, data, (SELECT min(n.first) FROM core_pair_blocks n WHERE n.first > b.first)"
    " FROM core_pair_blocks b WHERE first <= ?1 AND first >= ?2 ORDER BY first DESC LIMIT 1";

int64_t end_of(const statement& found, int32_t page_no) {
  return found.is_null(2) ? end_of_page(page_no) : std::min(found.integer(2), end_of_page(page_no));
}

/// Goes through a text, one pair after the other.
class pair_scanner {
public:
  pair_scanner(std::string_view text, int64_t base)
      : begin_(text.data()), at_(begin_), end_(begin_ + text.size()), user_no_(base) {}

  bool is_at_end() const noexcept { return at_ == end_; }
  /// Where the pair begins that comes next.
  const char* at() const noexcept { return at_; }
  /// Of the pair before.
  int64_t user_no() const noexcept { return user_no_; }

  /// Looks at the number of the next user.
  int64_t peek() {
    clicks_at_ = at_;
    const auto distance = number();
    if (clicks_at_ == end_ || *clicks_at_++ != ',')
      refuse();
    const auto out = user_no_ + static_cast<int64_t>(distance);
    if (out > std::numeric_limits<int32_t>::max() || (distance == 0 && at_ != begin_))
      refuse();
    return out;
  }
  /// After peek(), the user that it gave: where the clicks stand, and the comma before them.
  const char* clicks_at() const noexcept { return clicks_at_; }
  uint64_t take(int64_t user_no) {
    const auto clicks = number();
    const bool is_last = clicks_at_ == end_;
    if (clicks == 0 || (!is_last && (*clicks_at_ != ',' || clicks_at_ + 1 == end_)))
      refuse();
    at_ = is_last ? end_ : clicks_at_ + 1;
    user_no_ = user_no;
    return clicks;
  }

private:
  /// The digits at clicks_at_, which it passes over; 18 of them at most.
  uint64_t number() {
    const auto* from = clicks_at_;
    uint64_t out = 0;
    for (; clicks_at_ != end_ && *clicks_at_ >= '0' && *clicks_at_ <= '9'; ++clicks_at_)
      out = out * 10 + static_cast<uint64_t>(*clicks_at_ - '0');
    if (clicks_at_ == from || clicks_at_ - from > 18)
      refuse();
    return out;
  }
  [[noreturn]] void refuse() const {
    throw failure(SQLITE_CORRUPT, "core_pair_blocks: no pairs at byte "
                                      + std::to_string(clicks_at_ - begin_) + " of "
                                      + std::to_string(end_ - begin_));
  }

  const char* begin_;
  const char* at_;
  const char* end_;
  const char* clicks_at_ = nullptr;
  int64_t user_no_;
};

void append(std::string& to, uint64_t number) {
  char digits[24];
  to.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

} // namespace

void read_pairs(std::string_view text, int32_t base, std::vector<user_clicks>& out) {
  pair_scanner from{text, base};
  do {
    const auto user_no = from.peek();
    out.push_back({static_cast<int32_t>(user_no), from.take(user_no)});
  } while (!from.is_at_end());
}

/// What lies between two changes is copied as it stands.
merged_pairs merge_pairs(std::string_view text, int32_t base, const user_clicks* x,
                         const user_clicks* until) {
  merged_pairs out;
  out.text.reserve(text.size() + 12 * static_cast<size_t>(until - x));
  out.is_appended = true;
  pair_scanner from{text, base};
  const char* span = from.at(); // Not copied from here on.
  int64_t last = base;          // User of the pair before.
  bool is_cut = false;          // The next pair of the text has its distance from another one.
  auto put_comma = [&] {
    if (!out.text.empty() && out.text.back() != ',')
      out.text += ',';
  };
  auto put_distance = [&](int64_t user_no) {
    put_comma();
    append(out.text, static_cast<uint64_t>(user_no - last));
  };
  auto mend = [&](int64_t next) {
    put_distance(next);
    span = from.clicks_at() - 1;
    is_cut = false;
  };
  auto copy_until = [&](const char* end) {
    if (span != end && *span != ',')
      put_comma();
    out.text.append(span, static_cast<size_t>(end - span));
    span = end;
  };
  for (; x != until; ++x) {
    assert(x->user_no >= base && x->clicks > 0);
    int64_t next = -1;
    while (!from.is_at_end() && (next = from.peek()) < x->user_no) {
      if (is_cut)
        mend(next);
      from.take(next);
    }
    copy_until(from.at());
    if (!is_cut)
      last = from.user_no();
    out.is_appended = out.is_appended && from.is_at_end();
    auto clicks = x->clicks;
    is_cut = from.is_at_end() || next != x->user_no;
    if (!is_cut) {
      clicks += from.take(next);
      span = from.at();
    }
    out.added += is_cut ? 1 : 0;
    put_distance(x->user_no);
    out.text += ',';
    append(out.text, clicks);
    last = x->user_no;
  }
  if (is_cut && !from.is_at_end())
    mend(from.peek());
  copy_until(text.data() + text.size());
  return out;
}

pair_blocks::pair_blocks(connection& on)
    : find_(on, find_sql), find_with_end_(on, find_with_end_sql),
      page_(on, "SELECT first, data FROM core_pair_blocks WHERE first >= ? AND first < ?") {}

uint64_t pair_blocks::clicks_of(int32_t page_no, int32_t user_no) {
  const reset_at_end end{find_};
  find_.bind(1, pair_key_of(page_no, user_no)).bind(2, pair_key_of(page_no, 0));
  if (!find_.step())
    return 0;
  for (pair_scanner from{find_.blob(1), base_of(find_.integer(0))}; !from.is_at_end();) {
    const auto next = from.peek();
    const auto clicks = from.take(next);
    if (next >= user_no)
      return next == user_no ? clicks : 0;
  }
  return 0;
}

uint64_t pair_blocks::count_new(int32_t page_no, const std::vector<int32_t>& users) {
  uint64_t out = 0;
  auto last = std::vector<user_clicks>::const_iterator{};
  int64_t until = 0;
  for (const auto user_no : users) {
    const auto pair = pair_key_of(page_no, user_no);
    if (pair >= until) {
      const reset_at_end end{find_with_end_};
      some_.clear();
      until = end_of_page(page_no);
      find_with_end_.bind(1, pair).bind(2, pair_key_of(page_no, 0));
      if (find_with_end_.step()) {
        until = end_of(find_with_end_, page_no);
        read_pairs(find_with_end_.blob(1), base_of(find_with_end_.integer(0)), some_);
      }
      last = some_.cbegin();
    }
    last = std::lower_bound(last, some_.cend(), user_no, [](const user_clicks& x, int32_t wanted) {
      return x.user_no < wanted;
    });
    out += last == some_.cend() || last->user_no != user_no ? 1 : 0;
  }
  return out;
}

void pair_blocks::each_of_page(int32_t page_no,
                               const std::function<void(const user_clicks&)>& use) {
  const reset_at_end end{page_};
  page_.bind(1, pair_key_of(page_no, 0)).bind(2, end_of_page(page_no));
  while (page_.step()) {
    some_.clear();
    read_pairs(page_.blob(1), base_of(page_.integer(0)), some_);
    for (const auto& x : some_)
      use(x);
  }
}

pair_block_writer::pair_block_writer(connection& on)
    : on_(on), find_(on, find_with_end_sql),
      put_(on, "INSERT INTO core_pair_blocks VALUES (?, ?)"
               " ON CONFLICT DO UPDATE SET data = excluded.data") {}

uint64_t pair_block_writer::add(int32_t page_no, const std::vector<user_clicks>& more) {
  uint64_t added = 0;
  const auto* const end = more.data() + more.size();
  for (const auto* x = more.data(); x != end;) {
    auto first = pair_key_of(page_no, 0);
    auto until = end_of_page(page_no);
    const auto* rest = x;
    merged_pairs merged;
    {
      const reset_at_end end_of_find{find_}; // It has the text, and is in the way of put().
      std::string_view text;
      find_.bind(1, pair_key_of(page_no, x->user_no)).bind(2, first);
      if (find_.step()) {
        first = find_.integer(0);
        until = end_of(find_, page_no);
        text = find_.blob(1);
      }
      rest = std::find_if(
          x, end, [&](const user_clicks& y) { return pair_key_of(page_no, y.user_no) >= until; });
      assert(rest != x);
      merged = merge_pairs(text, base_of(first), x, rest);
    }
    put(first, merged);
    added += merged.added;
    x = rest;
  }
  return added;
}

/// One block becomes several when it is too large: half full ones, that have room for more, or full
/// ones where users come in the order of their numbers.
void pair_block_writer::put(int64_t first, const merged_pairs& all) {
  constexpr size_t most = pair_blocks::bytes_max;
  constexpr size_t of_one = 32; // A pair takes no more.
  const std::string_view text{all.text};
  const size_t part = text.size() <= most ? most
                      : all.is_appended   ? most - of_one
                                          : text.size() / (text.size() / (most / 2)) + of_one;
  pair_scanner from{text, base_of(first)};
  const char* begin = text.data();
  std::string head; // Of a part after the first: its first distance is 0.
  while (text.size() > most && !from.is_at_end()) {
    const auto next = from.peek();
    if (from.at() - begin >= static_cast<std::ptrdiff_t>(part)) {
      put(first, head.append(begin, from.at() - 1));
      first = (first & ~low32) | next;
      begin = from.clicks_at() - 1;
      head = "0";
    }
    from.take(next);
  }
  put(first, head.append(begin, text.data() + text.size()));
}

void pair_block_writer::put(int64_t first, std::string_view text) {
  put_.bind(1, first).bind_text(2, text).run();
}

void pair_block_writer::take_over(const std::function<void(const std::string&)>& report) {
  const bool has_some = on_.value("SELECT count(*) FROM sqlite_schema WHERE type = 'table'"
                                  " AND name = 'core_page_clicks_before'")
                        != 0;
  if (!has_some)
    return;
  {
    statement rows{on_, "SELECT pair >> 32, pair & 4294967295, clicks FROM core_page_clicks_before"
                        " ORDER BY pair"};
    std::vector<user_clicks> some;
    int32_t page_no = 0;
    size_t seen = 0;
    auto flush = [&] {
      if (!some.empty())
        add(page_no, some);
      some.clear();
    };
    while (rows.step()) {
      const auto page = static_cast<int32_t>(rows.integer(0));
      if (page != page_no || some.size() >= pairs_at_once)
        flush();
      page_no = page;
      some.push_back(
          {static_cast<int32_t>(rows.integer(1)), static_cast<uint64_t>(rows.integer(2))});
      if (++seen % rows_of_report == 0 && report)
        report("the store: " + std::to_string(seen)
               + " pairs of page and user brought into blocks");
    }
    flush();
  }
  on_.run("DROP TABLE core_page_clicks_before");
}

} // namespace footfall::sqlite
