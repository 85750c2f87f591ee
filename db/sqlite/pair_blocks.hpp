#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "db/sqlite/database.hpp"

namespace footfall::sqlite {

/// Clicks of one user on a page, by the user's number.
struct user_clicks {
  int32_t user_no = 0;
  uint64_t clicks = 0;
  bool operator==(const user_clicks& x) const { return user_no == x.user_no && clicks == x.clicks; }
};

/// Pairs as core_pair_blocks has them: for each user, in order, how far its number is from the one
/// before (the first: from `base`), and its clicks; numbers with commas between, so that the view
/// page_clicks can take them apart as JSON. Throws `failure` when a text is none such.
void read_pairs(std::string_view text, int32_t base, std::vector<user_clicks>& out);

/// The same with the clicks of more pairs, which are in order and each once.
struct merged_pairs {
  std::string text;
  uint64_t added = 0;       ///< Pairs that were not there.
  bool is_appended = false; ///< All came after those that were there.
};
merged_pairs merge_pairs(std::string_view text, int32_t base, const user_clicks* from,
                         const user_clicks* until);

/// The merged clicks of pairs: each row of core_pair_blocks has some 700 of one page, as many as
/// fit a page of SQLite, from one user's number on; the first block of a page begins at 0. One
/// thread; throws `failure`.
class pair_blocks {
public:
  static constexpr size_t bytes_max = 1'900; ///< Of a block's text.

  explicit pair_blocks(connection& on);

  /// 0: there is no such pair.
  uint64_t clicks_of(int32_t page_no, int32_t user_no);
  /// How many of these users, in order, are not among the pairs of the page.
  uint64_t count_new(int32_t page_no, const std::vector<int32_t>& users);
  void each_of_page(int32_t page_no, const std::function<void(const user_clicks&)>& use);

private:
  statement find_, find_with_end_, page_;
  std::vector<user_clicks> some_;
};

/// The merger's side of the same. Each call in a transaction of the caller.
class pair_block_writer {
public:
  explicit pair_block_writer(connection& on);

  /// Adds clicks to pairs of a page, in the order of user numbers, each once.
  /// @returns how many of the pairs are new.
  uint64_t add(int32_t page_no, const std::vector<user_clicks>& more);
  /// Brings pairs of a store of an older version into blocks, when there are some. In a
  /// transaction; `report` may be missing.
  void take_over(const std::function<void(const std::string&)>& report);

private:
  void put(int64_t first, const merged_pairs& all);
  void put(int64_t first, std::string_view text);

  connection& on_;
  statement find_, put_;
};

} // namespace footfall::sqlite
