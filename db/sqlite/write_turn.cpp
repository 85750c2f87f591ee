#include "db/sqlite/write_turn.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace footfall::sqlite {

std::vector<write_call> take_turn(std::vector<write_call>& waiting, size_t rows_max) {
  auto goes_first = [](const write_call& a, const write_call& b) {
    const auto &x = a.weight, &y = b.weight;
    return (x.rows > 0) != (y.rows > 0) ? x.rows == 0 : x.oldest_us < y.oldest_us;
  };
  std::stable_sort(waiting.begin(), waiting.end(), goes_first);
  const auto small = rows_max / 16;
  size_t rows = 0;
  bool has_fold = false;
  auto stays = std::stable_partition(waiting.begin(), waiting.end(), [&](const write_call& x) {
    if (x.weight.is_fold)
      return !std::exchange(has_fold, true);
    const auto more = x.weight.rows;
    const bool fits = rows == 0 || more <= small || rows + more <= rows_max;
    rows += fits ? more : 0;
    return fits;
  });
  std::vector<write_call> out{std::make_move_iterator(waiting.begin()),
                              std::make_move_iterator(stays)};
  waiting.erase(waiting.begin(), stays);
  return out;
}

} // namespace footfall::sqlite
