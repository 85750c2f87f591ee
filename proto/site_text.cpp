#include "proto/site_text.hpp"

#include <cassert>

#include "proto/event.hpp"

namespace footfall {

void put_in_site(std::string& out, std::string_view site_id, std::string_view text) {
  assert(site_id.find('\0') == std::string_view::npos);
  out.clear();
  out.reserve(site_id.size() + 1 + text.size());
  out.append(site_id).push_back('\0');
  out.append(text);
}

std::string in_site(std::string_view site_id, std::string_view text) {
  std::string out;
  put_in_site(out, site_id, text);
  return out;
}

site_text split_site(std::string_view name) {
  const auto end_of_site = name.find('\0');
  assert(end_of_site != std::string_view::npos);
  return {name.substr(0, end_of_site), name.substr(end_of_site + 1)};
}

std::string shown_in_site(std::string_view name) {
  const auto [site, text] = split_site(name);
  std::string out;
  if (site != default_site)
    out.append(site).push_back(' ');
  return out.append(text);
}

} // namespace footfall
