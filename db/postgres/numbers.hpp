#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "actors/ports/store.hpp"
#include "db/postgres/connection.hpp"

namespace footfall::postgres {

/// A bounded map from (site, text) to a number. What was not used for a while is
/// forgotten: the map keeps the current and the last generation of entries.
class number_map {
public:
  explicit number_map(size_t most) : half_(most / 2) {}
  /// 0 when it is not known.
  int32_t find(const std::string& key);
  void put(const std::string& key, int32_t number);
  void clear();

private:
  using map = absl::flat_hash_map<std::string, int32_t>;
  const size_t half_;
  map young_;
  map old_;
};

/// The numbers that stand for the texts of a row.
struct row_numbers {
  int32_t site_no = 0;
  int32_t type_no = 0;
  int32_t page_no = 0;
  int32_t user_no = 0;
};

/// A row, and where its numbers go.
struct numbered_row {
  const event_row* row;
  row_numbers* no;
};

/// Finds and makes numbers, in statements of their own that may be repeated: an
/// orphan number does no harm. Serves one thread and one connection; what it
/// remembers holds for one generation of the connection, since a failover may
/// have taken the newest numbers away.
class numbers {
public:
  /// Fills in the numbers of all rows. A failed result says why not.
  result resolve(connection& c, const std::vector<numbered_row>& rows);

private:
  struct kind {
    statement look_up;
    statement insert;
  };
  struct wanted;

  static const kind sites, types, pages, users;

  /// Asks for one text of each row: `text(row)` within the site `site(i)`.
  template <class Text>
  result resolve_one(connection& c, const kind& which, number_map& known,
                     const std::vector<numbered_row>& rows, int32_t row_numbers::*field,
                     bool by_site, Text text);
  static result fetch(connection& c, const kind& which, number_map& known, wanted& missing);

  uint64_t generation_ = 0;
  number_map sites_{10'000};
  number_map types_{10'000};
  number_map pages_{100'000};
  number_map users_{400'000};
  std::string key_;
};

} // namespace footfall::postgres
