#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "db/sqlite/database.hpp"

namespace footfall::sqlite {

/// The rows that are applied and not yet folded, as a reader has seen them. Each
/// is read once. One thread; throws `failure`.
class store_tail {
public:
  struct row {
    int64_t position = 0;
    int32_t user_no = 0;
    int32_t site_no = 0;
    int32_t type_no = 0;
    int64_t at_us = 0;
  };

  explicit store_tail(connection& on);

  /// Goes along to the snapshot of the transaction that is open.
  void refresh();
  /// After a failure: begins anew.
  void forget();

  template <class Use>
  void each_of_page(int32_t page_no, Use use) const {
    auto at = pages_.find(page_no);
    if (at == pages_.end())
      return;
    for (const auto& x : at->second)
      if (!is_folded(x))
        use(x);
  }
  template <class Use>
  void each(Use use) const {
    for (const auto& [page_no, rows] : pages_)
      for (const auto& x : rows)
        if (!is_folded(x))
          use(page_no, x);
  }

private:
  struct slice {
    int64_t folded = 0; ///< Position that is not folded yet.
    int64_t next = 0;   ///< Position that was not read yet.
  };
  bool is_folded(const row& x) const {
    return x.position < slices_[static_cast<size_t>(x.position >> 48)].folded;
  }
  void read(slice& x, int64_t next);
  void drop_folded();

  statement progress_;
  statement rows_;
  std::vector<slice> slices_; ///< By the upper bits of a position.
  absl::flat_hash_map<int32_t, std::vector<row>> pages_;
  size_t kept_ = 0;   ///< Rows in pages_.
  size_t folded_ = 0; ///< About how many of them are folded by now.
};

} // namespace footfall::sqlite
