#include "net/http/origin_guard.hpp"

#include <algorithm>

#include <cctype>

namespace footfall::http {

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (auto& c : out)
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

/// Nobody can have an address lead elsewhere, as a name can.
bool is_address(std::string_view host) {
  return !host.empty()
         && (host.front() == '['
             || host.find_first_not_of("0123456789.") == std::string_view::npos);
}

bool changes_something(method x) noexcept {
  return x != method::get && x != method::head;
}

/// What follows the scheme of an origin; empty for "null".
std::string_view authority_of(std::string_view origin) {
  const auto at = origin.find("://");
  return at == std::string_view::npos ? std::string_view{} : origin.substr(at + 3);
}

} // namespace

std::string host_of(std::string_view authority) {
  const auto v6_end = authority.find(']');
  const auto colon = authority.find(':', v6_end == std::string_view::npos ? 0 : v6_end);
  auto host = lower(authority.substr(0, colon));
  if (host.size() > 1 && host.back() == '.')
    host.pop_back();
  return host;
}

origin_guard::origin_guard(std::vector<std::string> names, bool loopback)
    : names_(std::move(names)), checks_names_(loopback || !names_.empty()) {
  for (auto& x : names_)
    x = host_of(x);
}

bool origin_guard::is_known(std::string_view host) const {
  return host == "localhost" || host.ends_with(".localhost") || is_address(host)
         || std::find(names_.begin(), names_.end(), host) != names_.end();
}

/// A page of another origin asks. A server of this machine with another port is one as well:
/// only a name that was given is trusted at every port.
bool origin_guard::is_foreign(const request& x) const {
  const auto& site = x.value(header::fetch_site);
  const auto& origin = x.value(header::origin);
  if (origin.empty())
    return site == "cross-site";
  const auto authority = authority_of(origin);
  if (!authority.empty() && lower(authority) == lower(x.value(header::host)))
    return false;
  return std::find(names_.begin(), names_.end(), host_of(authority)) == names_.end();
}

std::optional<problem> origin_guard::check(const request& x) const {
  const auto& host = x.value(header::host);
  if (checks_names_ && !host.empty() && !is_known(host_of(host)))
    return problem{421, "unknown_host",
                   "the server is not known by the name in the Host header; call it by "
                   "localhost or by its address, or start it with --host and that name"};
  if (changes_something(x.verb) && is_foreign(x))
    return problem{403, "foreign_origin",
                   "a page of another origin may not change anything here; if it is yours, "
                   "start the server with --host and the host of that page"};
  return std::nullopt;
}

} // namespace footfall::http
