#include "app/import/log_format.hpp"

#include <algorithm>

#include "app/import/access_line.hpp"
#include "app/import/w3c_log.hpp"

namespace footfall::app {

namespace {

log_format vote_of(std::string_view line, json_log& json) {
  const auto first = line.find_first_not_of(" \t");
  if (first == std::string_view::npos)
    return log_format::guess;
  if (line[first] == '{')
    return json.kind_of(line) == json_kind::access ? log_format::json : log_format::events;
  if (looks_like_w3c(line))
    return log_format::w3c;
  return looks_like_access_line(line) ? log_format::access : log_format::guess;
}

} // namespace

const std::vector<format_choice>& format_choices() {
  static const std::vector<format_choice> all = {{"combined", log_format::access, framing::lines},
                                                 {"common", log_format::access, framing::lines},
                                                 {"w3c", log_format::w3c, framing::lines},
                                                 {"iis", log_format::w3c, framing::lines},
                                                 {"cloudfront", log_format::w3c, framing::lines},
                                                 {"json-log", log_format::json, framing::guess},
                                                 {"nginx", log_format::json, framing::guess},
                                                 {"caddy", log_format::json, framing::guess},
                                                 {"ndjson", log_format::events, framing::lines},
                                                 {"array", log_format::guess, framing::array}};
  return all;
}

void format_guess::add(sample x) {
  vote(x.text);
  ++looked_at_;
  bytes_ += x.text.size();
  keep(std::move(x));
}

void format_guess::vote(std::string_view line) {
  ++votes_[static_cast<size_t>(vote_of(line, json_))];
}

bool format_guess::has_hint() const noexcept {
  return std::any_of(std::begin(votes_) + 1, std::end(votes_), [](size_t x) { return x > 0; });
}

log_format format_guess::best() const noexcept {
  const auto* most = std::max_element(std::begin(votes_) + 1, std::end(votes_));
  return *most == 0 ? log_format::access : static_cast<log_format>(most - std::begin(votes_));
}

} // namespace footfall::app
