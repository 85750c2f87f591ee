#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "proto/page.hpp"

namespace footfall::model {

/// Pages with clicks that are applied, not folded, and that no live page told the cache of:
/// it is told at the fold. Bounded; beyond, it is only known that there were too many.
class page_tail {
public:
  /// What the cache must hear after a fold.
  struct news {
    bool forget = false; ///< Of which pages the clicks were is not known: all goes.
    std::vector<std::pair<std::string, uint64_t>> moved; ///< Pages, and their folded clicks.
  };

  explicit page_tail(size_t most = 1) : most_(most) {}

  /// Notes that the clicks of a page are not told. Takes the text of `x` when it can.
  void note(page_delta&& x) {
    note(x, [&x] { return std::move(x.page); });
  }
  void note(const page_delta& x) {
    note(x, [&x] { return x.page; });
  }

  /// Clicks were folded of which nobody here knows whose they are.
  void lose() { lost_ = true; }

  /// @param pages which changed, with `page_no` and all their folded `clicks`
  template <class FoldedPage>
  news fold(const std::vector<FoldedPage>& pages, int64_t folded_offset) {
    news out;
    out.forget = std::exchange(lost_, false);
    for (const auto& x : pages) {
      auto at = pages_.find(x.page_no);
      // Are its clicks of one apply all that it has, then it was not there before, and
      // nobody can have read an older count.
      if (!out.forget && at != pages_.end() && at->second.clicks != x.clicks)
        out.moved.emplace_back(at->second.page, x.clicks);
    }
    absl::erase_if(pages_, [=](const auto& x) { return x.second.next_offset <= folded_offset; });
    return out;
  }

  void clear() { pages_.clear(); }
  size_t size() const noexcept { return pages_.size(); }

private:
  struct entry {
    std::string page;        ///< "site NUL page".
    int64_t next_offset = 0; ///< Its clicks are folded when this is.
    uint64_t clicks = 0;     ///< Of one apply; 0: of more than one.
  };

  template <class Text>
  void note(const page_delta& x, Text text) {
    if (pages_.size() >= most_) {
      pages_.clear();
      lost_ = true;
    }
    auto [at, fresh] = pages_.try_emplace(x.page_no);
    at->second.clicks = fresh && !lost_ ? x.clicks.size() : 0;
    at->second.next_offset = x.next_offset;
    if (fresh)
      at->second.page = text();
  }

  size_t most_;
  bool lost_ = false;
  absl::flat_hash_map<int32_t, entry> pages_; ///< By page number.
};

} // namespace footfall::model
