#include "db/sqlite/write_turn.hpp"

#include <algorithm>
#include <iterator>

namespace footfall::sqlite {

std::vector<write_call> take_turn(std::vector<write_call>& waiting, size_t rows_max) {
  auto goes_first = [](const write_call& a, const write_call& b) {
    return (a.rows > 0) != (b.rows > 0) ? a.rows == 0 : a.oldest_us < b.oldest_us;
  };
  std::stable_sort(waiting.begin(), waiting.end(), goes_first);
  const auto small = rows_max / 16;
  size_t rows = 0;
  auto stays = std::stable_partition(waiting.begin(), waiting.end(), [&](const write_call& x) {
    const bool fits = rows == 0 || x.rows <= small || rows + x.rows <= rows_max;
    rows += fits ? x.rows : 0;
    return fits;
  });
  std::vector<write_call> out{std::make_move_iterator(waiting.begin()),
                              std::make_move_iterator(stays)};
  waiting.erase(waiting.begin(), stays);
  return out;
}

} // namespace footfall::sqlite
