#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "actors/model/generations.hpp"
#include "db/sqlite/database.hpp"

namespace footfall::sqlite {

/// The numbers that stand for the texts of one table, through a map of at most `most`,
/// from which what is not asked for goes first. Texts of pages and users belong to a site; those of
/// sites and types to none (0). One thread at a time; throws `failure`.
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
  void forget();

private:
  std::string_view key_of(int32_t site_no, std::string_view text);
  void bind(statement& to, int32_t site_no, std::string_view text) const;
  int32_t select(int32_t site_no, std::string_view text);
  int32_t known(std::string_view key);
  int32_t intern_key(int32_t site_no, std::string_view text, std::string_view key);

  connection& on_;
  statement find_;
  std::unique_ptr<statement> insert_;
  const bool has_site_;
  std::string key_;
  model::known_numbers known_;
  std::string last_key_; ///< What was interned last: many clicks in a row have one site and type.
  int32_t last_number_ = 0;
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
