#include "net/http/counter_path.hpp"

#include <algorithm>

#include "net/http/query_string.hpp"

namespace footfall::http {

namespace {

constexpr std::string_view before = "/c/";
constexpr std::string_view json_end = ".json";
constexpr std::string_view picture_end = ".svg";

/// A plus stands for itself in a path.
bool decode(std::string_view text, std::string& out) {
  std::string kept;
  for (const char c : text)
    kept += c == '+' ? std::string_view("%2B") : std::string_view(&c, 1);
  return decode_percent(kept, out);
}

} // namespace

bool is_of_counters(std::string_view path) {
  return path.starts_with(before);
}

counter_path read_counter_path(std::string_view path) {
  counter_path out;
  if (!is_of_counters(path))
    return out;
  path.remove_prefix(before.size());
  const auto end = std::min(path.find('/'), path.size());
  const auto site = path.substr(0, end);
  auto page = path.substr(std::min(end + 1, path.size()));
  out.is_picture = page.ends_with(picture_end);
  if (!out.is_picture && !page.ends_with(json_end))
    return {};
  page.remove_suffix(out.is_picture ? picture_end.size() : json_end.size());
  if (page.empty() || !decode(site, out.site) || !decode(page, out.page))
    return {};
  return out;
}

// The width is made for tabular figures; textLength holds where a font is wider.
std::string counter_picture(uint64_t clicks) {
  auto text = std::to_string(clicks);
  for (auto at = static_cast<ptrdiff_t>(text.size()) - 3; at > 0; at -= 3)
    text.insert(static_cast<size_t>(at), 1, ',');
  text += clicks == 1 ? " click" : " clicks";
  constexpr size_t letter = 7, margin = 8;
  const auto inner = std::to_string(letter * text.size());
  const auto width = std::to_string(letter * text.size() + 2 * margin);
  return R"(<svg xmlns="http://www.w3.org/2000/svg" width=")" + width
         + R"(" height="22" viewBox="0 0 )" + width + R"( 22" role="img" aria-label=")" + text
         + R"("><title>)" + text + R"(</title><rect width=")" + width
         + R"(" height="22" rx="5" fill="#0b6b5d"/><text x=")" + std::to_string(margin)
         + R"(" y="15" textLength=")" + inner
         + R"(" lengthAdjust="spacingAndGlyphs" fill="#fff" font-size="12" )"
           R"(font-family="system-ui,sans-serif">)"
         + text + "</text></svg>\n";
}

} // namespace footfall::http
