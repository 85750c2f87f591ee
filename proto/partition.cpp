#include "proto/partition.hpp"

namespace footfall {

const char* to_string(stop_kind x) noexcept {
  switch (x) {
  case stop_kind::none: return "none";
  case stop_kind::records_lost: return "records_lost";
  case stop_kind::log_too_short: return "log_too_short";
  case stop_kind::other_log: return "other_log";
  case stop_kind::store_damaged: return "store_damaged";
  }
  return "none";
}

} // namespace footfall
