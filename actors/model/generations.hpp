#pragma once

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_map.h>

namespace footfall::model {

/// A map of at most `most` entries that forgets what is not asked for: new entries go into
/// the newest of two generations, and once that has half of what there may be, the older one
/// goes, but for what was asked for meanwhile.
template <class Map>
class generations {
public:
  using value = typename Map::mapped_type;

  explicit generations(size_t most) : half_(std::max<size_t>(most / 2, 1)) {}

  /// nullptr when it is not known. Holds until the next call.
  template <class Key>
  const value* find(const Key& key) {
    if (auto at = newest_.find(key); at != newest_.end())
      return &at->second;
    auto at = older_.find(key);
    if (at == older_.end())
      return nullptr;
    value found = std::move(at->second);
    return &put(key, std::move(found));
  }

  template <class Key>
  const value& put(const Key& key, value x) {
    if (newest_.size() >= half_ && newest_.find(key) == newest_.end()) {
      older_ = std::exchange(newest_, Map{});
      newest_.reserve(half_);
    }
    return newest_.insert_or_assign(key, std::move(x)).first->second;
  }

  void clear() {
    newest_ = Map{};
    older_ = Map{};
  }

  /// Entries, those that stand in both generations twice.
  size_t size() const noexcept { return newest_.size() + older_.size(); }

private:
  size_t half_;
  Map newest_;
  Map older_;
};

/// Numbers by text, as much of a map as generations<> needs. The texts stand one after the
/// other: a text that is new costs no allocation of its own.
class numbers_by_text {
public:
  using mapped_type = int32_t;
  using map = absl::flat_hash_map<std::string_view, int32_t>;

  auto find(std::string_view text) { return numbers_.find(text); }
  auto end() { return numbers_.end(); }
  size_t size() const noexcept { return numbers_.size(); }
  void reserve(size_t most) { numbers_.reserve(most); }
  std::pair<map::iterator, bool> insert_or_assign(std::string_view text, int32_t number) {
    bool is_new = false;
    auto at = numbers_.lazy_emplace(text, [&](const map::constructor& make) {
      is_new = true;
      make(kept(text), number);
    });
    at->second = number;
    return {at, is_new};
  }

private:
  std::string_view kept(std::string_view text) {
    constexpr size_t block = 64 << 10;
    if (left_ < text.size()) {
      left_ = std::max(block, text.size());
      texts_.push_back(std::make_unique<char[]>(left_));
      free_ = texts_.back().get();
    }
    assert(left_ >= text.size());
    char* const at = free_;
    std::copy(text.begin(), text.end(), at);
    free_ += text.size();
    left_ -= text.size();
    return {at, text.size()};
  }

  map numbers_;
  std::vector<std::unique_ptr<char[]>> texts_;
  char* free_ = nullptr; ///< Where the next text goes.
  size_t left_ = 0;      ///< Bytes from there on.
};

/// What is known of the numbers that stand for texts.
using known_numbers = generations<numbers_by_text>;

} // namespace footfall::model
