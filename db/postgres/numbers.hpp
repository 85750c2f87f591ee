#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "actors/model/generations.hpp"
#include "actors/ports/store.hpp"
#include "db/postgres/connection.hpp"

namespace footfall::postgres {

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
  result resolve_one(connection& c, const kind& which, model::known_numbers& known,
                     const std::vector<numbered_row>& rows, int32_t row_numbers::*field,
                     bool by_site, Text text);
  static result fetch(connection& c, const kind& which, model::known_numbers& known,
                      wanted& missing);

  uint64_t generation_ = 0;
  model::known_numbers sites_{10'000};
  model::known_numbers types_{10'000};
  model::known_numbers pages_{100'000};
  model::known_numbers users_{400'000};
  std::string key_;
};

} // namespace footfall::postgres
