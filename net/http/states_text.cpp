#include "net/http/states_text.hpp"

#include "net/http/json_text.hpp"
#include "proto/secrets.hpp"

namespace footfall::http {

void append_states(std::string& out, const char* key,
                   const std::vector<std::pair<std::string, std::string>>& states) {
  append_key(out, key);
  out += '{';
  for (const auto& [name, state] : states) {
    if (out.back() != '{')
      out += ',';
    append_json_safe(out, name);
    out += ':';
    append_json_safe(out, hide_secrets(one_line(state)));
  }
  out += '}';
}

std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool blank = static_cast<unsigned char>(c) <= ' ';
    if (!blank)
      out += c;
    else if (!out.empty() && out.back() != ' ')
      out += ' ';
  }
  const auto last = out.find_last_not_of(" ;:,");
  out.resize(last == std::string::npos ? 0 : last + 1);
  return out;
}

} // namespace footfall::http
