#include "proto/query.hpp"

namespace footfall {

const char* to_string(answer_source x) noexcept {
  switch (x) {
  case answer_source::none: return "none";
  case answer_source::cache: return "cache";
  case answer_source::actor: return "actor";
  case answer_source::store: return "store";
  }
  return "none";
}

} // namespace footfall
