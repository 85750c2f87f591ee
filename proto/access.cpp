#include "proto/access.hpp"

namespace footfall {

namespace {

constexpr std::pair<access_role, const char*> roles[] = {{access_role::ingest, "ingest"},
                                                         {access_role::read, "read"},
                                                         {access_role::admin, "admin"},
                                                         {access_role::share, "share"},
                                                         {access_role::counter, "counter"}};

} // namespace

const char* to_text(access_role x) noexcept {
  for (const auto& [role, text] : roles)
    if (role == x)
      return text;
  return "";
}

std::optional<access_role> read_role(std::string_view text) noexcept {
  for (const auto& [role, name] : roles)
    if (text == name)
      return role;
  return std::nullopt;
}

} // namespace footfall
