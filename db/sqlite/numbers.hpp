#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <absl/container/flat_hash_map.h>

#include "db/sqlite/database.hpp"

namespace footfall::sqlite {

/// The numbers that stand for the texts of one table, through a bounded map.
/// Texts of pages and users belong to a site; those of sites and types to none (0).
/// One thread at a time; throws `failure`.
class numbers {
public:
  /// `find` selects the number by text (and site), `insert` adds one or does
  /// nothing; nullptr for a connection that only reads.
  numbers(connection& on, const char* find, const char* insert, bool has_site, size_t most);

  /// The number of a text, 0 when it has none.
  int32_t find(int32_t site_no, std::string_view text);
  /// The number of a text, a new one when it has none.
  int32_t intern(int32_t site_no, std::string_view text);
  /// What was made in a transaction that was rolled back is no number of anything.
  void forget() { known_.clear(); }

private:
  struct text_hash {
    using is_transparent = void;
    size_t operator()(std::string_view x) const noexcept {
      return absl::Hash<std::string_view>{}(x);
    }
  };

  std::string_view key_of(int32_t site_no, std::string_view text);
  void bind(statement& to, int32_t site_no, std::string_view text) const;
  int32_t select(int32_t site_no, std::string_view text);
  void remember(std::string_view key, int32_t number);

  connection& on_;
  statement find_;
  std::unique_ptr<statement> insert_;
  const bool has_site_;
  const size_t most_;
  std::string key_;
  absl::flat_hash_map<std::string, int32_t, text_hash, std::equal_to<>> known_;
};

/// The four kinds of texts of a store.
struct all_numbers {
  all_numbers(connection& on, bool may_insert);
  void forget();

  numbers sites;
  numbers types;
  numbers pages;
  numbers users;
};

} // namespace footfall::sqlite
