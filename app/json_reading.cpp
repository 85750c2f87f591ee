#include "app/json_reading.hpp"

#include <cstdio>

namespace footfall::app {

std::string value_text(simdjson::dom::element value) {
  if (std::string_view text; value.get(text) == simdjson::SUCCESS)
    return std::string{text};
  if (value.is_null())
    return "-";
  return simdjson::minify(value);
}

std::string member_text(simdjson::dom::element object, const char* name) {
  simdjson::dom::element value;
  return object[name].get(value) == simdjson::SUCCESS ? value_text(value) : "-";
}

int print_answer(const client_answer& answer, bool as_json,
                 const std::function<int(simdjson::dom::element)>& print) {
  if (answer.status != 200)
    return explain_failure(answer);
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(answer.body).get(root) != simdjson::SUCCESS) {
    std::fputs("footfall: the answer is not JSON; is this a footfall node?\n", stderr);
    return 1;
  }
  if (!as_json)
    return print(root);
  std::fwrite(answer.body.data(), 1, answer.body.size(), stdout);
  return 0;
}

} // namespace footfall::app
