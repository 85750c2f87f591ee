#include "actors/model/series.hpp"

#include "actors/model/query_rules.hpp"

namespace footfall::model {

std::vector<series_point> fill_series(const std::vector<series_point>& minutes, series_step step,
                                      int64_t from_us, int64_t to_us) {
  const int64_t length = step_us(step);
  const int64_t first = from_us / length * length;
  std::vector<series_point> out;
  for (int64_t at = first; at < to_us; at += length)
    out.push_back({at, 0});
  for (const auto& x : minutes) {
    const int64_t place = (x.at_us - first) / length;
    if (x.at_us >= first && place < static_cast<int64_t>(out.size()))
      out[static_cast<size_t>(place)].clicks += x.clicks;
  }
  return out;
}

} // namespace footfall::model
