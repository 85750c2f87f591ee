#pragma once

#include <string>
#include <vector>

#include "actors/ports/request_handler.hpp"
#include "net/http/query_string.hpp"

namespace footfall::http {

/// What GET /actors shows: which actors, in which order and shape.
class actor_list {
public:
  /// Reads view=tree|flat, node=, name=, key=, sort= and limit=. Empty, or what is wrong.
  std::string read(const query_params& params);

  /// The JSON answer. A tree keeps the parents of what was asked for.
  std::string render(const actors_reply& reply) const;

  const actors_ask& ask() const { return ask_; }

private:
  std::string render_tree(const std::vector<actor_row>& all,
                          const std::vector<actor_row>& chosen) const;

  actors_ask ask_;
};

/// The body of GET /actors/{id} and /actors/{node}/{id}.
std::string render(const actor_detail& x);

} // namespace footfall::http
