#pragma once

#include <cstdint>
#include <vector>

#include "proto/query.hpp"

namespace footfall::model {

/// Sums minutes into steps (UTC) and fills the gaps with 0. The first point is the
/// step that `from_us` falls into, the last the one that holds to_us - 1.
std::vector<series_point> fill_series(const std::vector<series_point>& minutes, series_step step,
                                      int64_t from_us, int64_t to_us);

} // namespace footfall::model
