#pragma once

#include <string>
#include <vector>

#include "actors/ports/request_handler.hpp"
#include "net/http/query_string.hpp"

namespace footfall::http {

/// What GET /actors shows: which actors, in which order and shape.
class actor_list {
public:
  /// Reads view=tree|flat, name=, key=, sort= and limit=. Empty, or what is wrong.
  std::string read(const query_params& params);

  /// The JSON answer. A tree keeps the parents of what was asked for.
  std::string render(std::vector<actor_row> rows) const;

private:
  bool matches(const actor_row& row) const;
  std::string render_tree(const std::vector<actor_row>& all,
                          const std::vector<actor_row>& chosen) const;

  bool tree_ = false;
  std::string name_;
  std::string key_;
  std::string sort_ = "name";
  size_t limit_ = 1000;
};

/// The body of GET /actors/{id}.
std::string render(const actor_detail& x);

} // namespace footfall::http
