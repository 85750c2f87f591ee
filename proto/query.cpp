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

const char* to_string(query_kind x) noexcept {
  switch (x) {
  case query_kind::count: return "count";
  case query_kind::page: return "page";
  case query_kind::top_pages: return "top pages";
  case query_kind::series: return "series";
  case query_kind::users: return "users";
  case query_kind::active: return "active";
  }
  return "none";
}

std::string summary(query_kind kind, const query_answer& x) {
  return std::string(to_string(kind))
         + (x.code == errc::none ? std::string(" answered from the ") + to_string(x.source)
                                 : std::string(" refused: ") + to_string(x.code));
}

} // namespace footfall
