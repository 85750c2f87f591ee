#include "app/import/json_array.hpp"

#include <algorithm>

namespace footfall::app {

namespace {

constexpr std::string_view mark = "\xef\xbb\xbf";

bool is_blank(char c) noexcept {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

} // namespace

bool json_array::begins(std::string_view text, bool& known) noexcept {
  if (text.substr(0, mark.size()) == mark)
    text.remove_prefix(mark.size());
  auto skip = [&] {
    const auto at = std::find_if_not(text.begin(), text.end(), is_blank);
    text.remove_prefix(static_cast<size_t>(at - text.begin()));
    return !text.empty();
  };
  known = skip();
  if (!known || text.front() != '[')
    return false;
  text.remove_prefix(1);
  known = skip();
  // A log may begin with an address in brackets.
  return known && (text.front() == '{' || text.front() == ']');
}

bool json_array::next(std::string_view& text, std::string& element) {
  if (where_ != place::inside)
    is_cut_ = false;
  while (!text.empty()) {
    is_done_ = false;
    if (take(text.front(), element))
      text.remove_prefix(1);
    if (is_done_)
      return true;
  }
  return false;
}

bool json_array::take(char c, std::string& element) {
  if (where_ != place::inside) {
    if (is_blank(c) || (c == ',' && where_ == place::between)
        || (!began_ && mark.find(c) != std::string_view::npos))
      return true;
    if (c == '[' && where_ == place::outside) {
      where_ = place::between;
      began_ = true;
      return true;
    }
    if (c == ']' && where_ == place::between) {
      where_ = place::outside;
      return true;
    }
    where_ = place::inside;
    began_ = true;
    element.clear();
    depth_ = 0;
    in_text_ = is_escaped_ = is_cut_ = false;
  }
  if (in_text_) {
    if (is_escaped_)
      is_escaped_ = false;
    else if (c == '\\')
      is_escaped_ = true;
    else
      in_text_ = c != '"';
    put(c, element);
    return true;
  }
  const bool closes = c == '}' || c == ']';
  if (depth_ == 0 && (c == ',' || c == ']' || c == '\n')) {
    is_done_ = true;
    where_ = place::between;
    return false;
  }
  in_text_ = c == '"';
  depth_ += c == '{' || c == '[' ? 1 : 0;
  put(c == '\n' || c == '\r' ? ' ' : c, element);
  if (closes && depth_ > 0 && --depth_ == 0) {
    is_done_ = true;
    where_ = place::between;
  }
  return true;
}

void json_array::put(char c, std::string& element) {
  if (element.size() < room_)
    element += c;
  else
    is_cut_ = true;
}

} // namespace footfall::app
