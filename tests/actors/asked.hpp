#pragma once

#include "tests/support/deterministic.hpp"

namespace footfall::test {

/// A question of a kind, about a page or about all of them.
inline query_ask about(query_kind kind, std::string page = {}) {
  query_ask out;
  out.kind = kind;
  out.site_id = default_site;
  out.page_url = std::move(page);
  out.limit = 100;
  return out;
}

/// What the node says of a page.
inline uint64_t clicks_of_page(node_fixture& on, const char* page = "/p") {
  auto question = on.count_of("", page);
  question.kind = query_kind::page;
  return on.ask(question).clicks;
}

/// In records, of the position's partition, as the metrics say.
inline double lag_of(node_fixture& on, const position& x) {
  const auto text = on.door->metrics();
  const auto name =
      "footfall_partition_lag_records{partition=\"" + std::to_string(x.partition) + "\"} ";
  const auto at = text.find(name);
  return at == std::string::npos ? -1.0 : std::stod(text.substr(at + name.size()));
}

} // namespace footfall::test
