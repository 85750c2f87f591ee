#pragma once

#include <functional>
#include <string>

#include <simdjson.h>

#include "app/client_http.hpp"

namespace footfall::app {

/// A value for a table: texts without quotes, null as "-".
std::string value_text(simdjson::dom::element value);

/// The same of a member; "-" when there is none.
std::string member_text(simdjson::dom::element object, const char* name);

/// Prints a node's answer: as it is, or with `print`, which returns the exit code.
/// Explains an answer that is no success, or not JSON.
int print_answer(const client_answer& answer, bool as_json,
                 const std::function<int(simdjson::dom::element)>& print);

} // namespace footfall::app
