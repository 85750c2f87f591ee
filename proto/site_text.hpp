#pragma once

#include <string>
#include <string_view>

namespace footfall {

/// A page or a user of a site in one string, "site NUL text", as it is called inside a node.
/// Neither part holds NUL (model::validate).
std::string in_site(std::string_view site_id, std::string_view text);
/// The same, into a string whose storage is used again.
void put_in_site(std::string& out, std::string_view site_id, std::string_view text);

struct site_text {
  std::string_view site_id;
  std::string_view text;
};
/// The parts of what in_site() made; they live as long as it.
site_text split_site(std::string_view name);

/// For people: the text, after its site unless that is the default.
std::string shown_in_site(std::string_view name);

} // namespace footfall
