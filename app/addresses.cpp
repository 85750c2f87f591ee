#include "app/addresses.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <memory>

#include <libpq-fe.h>

#include "proto/secrets.hpp"

namespace footfall::app {
namespace {

constexpr uint16_t redis_port = 6379;
const std::string encode = "in a URL a password is percent-encoded (/ as %2F, @ as %40, : as "
                           "%3A, % as %25)";

struct options_deleter {
  void operator()(PQconninfoOption* x) const { PQconninfoFree(x); }
};
using options_ptr = std::unique_ptr<PQconninfoOption, options_deleter>;

bool is_url(std::string_view text) {
  return text.rfind("postgresql://", 0) == 0 || text.rfind("postgres://", 0) == 0;
}

bool has_bad_percent(std::string_view text) {
  for (size_t at = 0; (at = text.find('%', at)) != std::string_view::npos; ++at)
    if (at + 2 >= text.size() || !std::isxdigit(static_cast<unsigned char>(text[at + 1]))
        || !std::isxdigit(static_cast<unsigned char>(text[at + 2])))
      return true;
  return false;
}

/// The part of a URL before its path, and whether another "@" stands behind it.
struct authority {
  std::string_view userinfo; ///< Empty without an "@".
  std::string_view hosts;
  bool stray = false; ///< A password was not encoded: the rest of it went elsewhere.
};

authority authority_of(std::string_view url) {
  authority out;
  url.remove_prefix(url.find("://") + 3);
  auto first = url.find_first_of("@/");
  if (first != std::string_view::npos && url[first] == '@') {
    out.userinfo = url.substr(0, first);
    url.remove_prefix(first + 1);
  }
  out.hosts = url.substr(0, url.find_first_of("/?"));
  out.stray = url.substr(0, url.find('?')).find('@') != std::string_view::npos;
  return out;
}

std::string_view password_of(std::string_view userinfo) {
  auto colon = userinfo.find(':');
  return colon == std::string_view::npos ? std::string_view{} : userinfo.substr(colon + 1);
}

bool is_port_list(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return std::isdigit(c) || c == ','; });
}

void keep(std::vector<std::string>& out, std::string_view value) {
  if (!value.empty())
    out.emplace_back(value);
}

/// As given: "password" and "sslpassword" of a URL's query.
void keep_parameters(std::string_view url, std::vector<std::string>& out) {
  auto query = url.find('?');
  while (query != std::string_view::npos) {
    url.remove_prefix(query + 1);
    query = url.find('&');
    auto pair = url.substr(0, query);
    auto equals = pair.find('=');
    if (equals != std::string_view::npos
        && pair.substr(0, equals).find("password") != std::string_view::npos)
      keep(out, pair.substr(equals + 1));
  }
}

std::string url_fault(std::string_view text) {
  const auto parts = authority_of(text);
  if (parts.stray || has_bad_percent(text))
    return "cannot be understood; " + encode;
  return {};
}

void take_options(const PQconninfoOption* x, bool url, database_address& out) {
  std::string host, port, name;
  for (; x->keyword; ++x) {
    const std::string_view keyword = x->keyword;
    const std::string value = x->val ? x->val : "";
    if (keyword.find("password") != std::string_view::npos)
      keep(out.secrets, value);
    if (keyword == "host" || (keyword == "hostaddr" && host.empty()))
      host = value;
    if (keyword == "port")
      port = value;
    if (keyword == "dbname")
      name = value;
  }
  if (!is_port_list(port))
    out.fault = "has a port that is no number";
  if (!out.fault.empty() && url)
    out.fault += "; " + encode;
  out.shown = (host.empty() ? "localhost" : host) + ":" + (port.empty() ? "5432" : port) + "/";
  out.shown += name;
}

bool is_number(std::string_view text, uint16_t& out) {
  const auto read = std::from_chars(text.data(), text.data() + text.size(), out);
  return read.ec == std::errc{} && read.ptr == text.data() + text.size() && out != 0;
}

/// "host", "host:port" or "[v6]:port".
bool read_host(std::string_view text, bool port_wanted, redis_address& out) {
  const auto bracket = text.empty() || text.front() != '[' ? 0 : text.find(']');
  if (bracket == std::string_view::npos)
    return false;
  const auto colon = text.find(':', bracket);
  auto host = text.substr(0, colon);
  out.port = redis_port;
  if (colon == std::string_view::npos ? port_wanted : !is_number(text.substr(colon + 1), out.port))
    return false;
  if (bracket > 0) {
    if (host.size() != bracket + 1 || bracket < 2)
      return false;
    host = host.substr(1, bracket - 1);
  } else if (host.empty() || host.find_first_of("[]/@ ") != std::string_view::npos) {
    return false;
  }
  out.host = host;
  return true;
}

/// Takes user and password off, and leaves "host" or "host:port". @returns what is wrong.
std::string read_redis_url(std::string_view& text, redis_address& out) {
  const auto at = text.find('@');
  if (at != std::string_view::npos) {
    const auto user = text.substr(0, at);
    out.username = percent_decoded(user.substr(0, user.find(':')));
    out.password = percent_decoded(password_of(user));
    if (user.find_first_of("/?#") != std::string_view::npos || has_bad_percent(user))
      return encode;
    text.remove_prefix(at + 1);
    if (text.find('@') != std::string_view::npos)
      return encode;
  }
  const auto path = text.find_first_of("/?#");
  const auto rest = path == std::string_view::npos ? std::string_view{} : text.substr(path);
  text = text.substr(0, path);
  if (rest.empty() || rest == "/" || rest == "/0")
    return {};
  return "the database of a Redis URL is 0 here, and it takes no parameters; end it after the port";
}

} // namespace

database_address read_database_address(const std::string& text) {
  database_address out;
  const bool url = is_url(text);
  if (url) {
    keep(out.secrets, password_of(authority_of(text).userinfo));
    keep_parameters(text, out.secrets);
    out.fault = url_fault(text);
  } else if (text.find("://") != std::string::npos && text.find('=') == std::string::npos) {
    out.fault = "is a URL of another kind; give postgresql://user:password@host:port/database";
  }
  if (!out.fault.empty() || (!url && text.find('=') == std::string::npos))
    return out; // Without "=" it is the name of a database.
  // libpq's own text is not shown: it quotes the piece that it does not understand.
  options_ptr options{PQconninfoParse(text.c_str(), nullptr)};
  if (!options) {
    out.fault = "cannot be understood by libpq; ";
    if (url)
      out.fault += "look at the names of its parameters, and " + encode;
    else
      out.fault += "give a URL, or words like host=h dbname=d password='p' (in quotes a ' is \\' "
                   "and a \\ is \\\\)";
    return out;
  }
  take_options(options.get(), url, out);
  return out;
}

redis_address read_redis_address(std::string_view text) {
  redis_address out;
  constexpr std::string_view scheme = "redis://";
  if (text.rfind("rediss://", 0) == 0)
    out.fault = "hiredis speaks no TLS here; end TLS in a tunnel on this machine (stunnel, socat: "
                "docs/deployment.md, Redis behind TLS) and give its redis:// address";
  else if (text.rfind("unix:", 0) == 0)
    out.fault = "sockets of this machine are not supported; give host:port or redis://";
  if (!out.fault.empty())
    return out;
  const bool url = text.rfind(scheme, 0) == 0;
  if (url) {
    text.remove_prefix(scheme.size());
    out.fault = read_redis_url(text, out);
  }
  if (out.fault.empty() && !read_host(text, !url, out))
    out.fault = "give host:port with a port from 1 to 65535, or redis://user:password@host:port";
  return out;
}

bool is_service_link(std::string_view value) {
  for (std::string_view scheme : {"tcp://", "udp://", "sctp://"})
    if (value.rfind(scheme, 0) == 0)
      return true;
  return false;
}

} // namespace footfall::app
