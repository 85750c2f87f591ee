#pragma once

#include <list>
#include <string>
#include <string_view>

#include <absl/container/flat_hash_map.h>

#include "actors/interfaces.hpp"

namespace footfall {

/// The live pages of one partition, the least recently used last. Bounded.
class page_table {
public:
  struct entry {
    std::string page;
    page_aggregator_actor handle;
    int64_t used_us = 0;
    uint64_t life = 0;   ///< Of the handle: a page that comes back has another.
    bool needed = false; ///< It has clicks or watchers.
    bool loaded = false;
  };

  explicit page_table(size_t most = 0) : most_(most) {}

  /// The live page, moved to the front; null when it is not live.
  entry* touch(std::string_view page, int64_t now_us) {
    auto at = by_page_.find(page);
    if (at == by_page_.end())
      return nullptr;
    order_.splice(order_.begin(), order_, at->second);
    at->second->used_us = now_us;
    return &*at->second;
  }

  /// The live page, which keeps its place; null when it is not live.
  const entry* find(std::string_view page) const {
    auto at = by_page_.find(page);
    return at == by_page_.end() ? nullptr : &*at->second;
  }

  entry& add(std::string page, page_aggregator_actor handle, int64_t now_us) {
    order_.push_front({std::move(page), std::move(handle), now_us, ++lives_});
    by_page_[order_.front().page] = order_.begin();
    return order_.front();
  }

  bool full() const { return order_.size() >= most_; }
  size_t size() const { return order_.size(); }
  bool empty() const { return order_.empty(); }
  entry& oldest() { return order_.back(); }

  void drop_oldest() {
    by_page_.erase(order_.back().page);
    order_.pop_back();
  }

  void drop(std::string_view page) {
    auto at = by_page_.find(page);
    if (at == by_page_.end())
      return;
    auto place = at->second;
    by_page_.erase(at);
    order_.erase(place);
  }

  auto begin() { return order_.begin(); }
  auto end() { return order_.end(); }

private:
  size_t most_;
  uint64_t lives_ = 0;
  std::list<entry> order_;
  absl::flat_hash_map<std::string_view, std::list<entry>::iterator> by_page_;
};

} // namespace footfall
