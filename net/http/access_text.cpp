#include "net/http/access_text.hpp"

#include <algorithm>

#include <simdjson.h>

#include "actors/model/time_text.hpp"
#include "net/http/json_text.hpp"

namespace footfall::http {

namespace {

constexpr int64_t day_us = int64_t{86'400} * 1'000'000;
constexpr uint64_t rate_most = 1'000'000;
constexpr uint64_t days_most = 36'500;
constexpr size_t name_bytes_most = 64;
constexpr size_t key_name_most = 128;

/// What people are called by their roles.
const char* title_of(access_role x) {
  return x == access_role::admin ? "admin" : x == access_role::share ? "share" : "viewer";
}

void append_at(std::string& out, std::string_view name, int64_t at_us) {
  append_key(out, name);
  append_time(out, at_us);
}

/// "a,b": whether one of them is `name`.
bool names(std::string_view known, std::string_view name) {
  while (!known.empty()) {
    const auto end = std::min(known.find(','), known.size());
    if (known.substr(0, end) == name)
      return true;
    known.remove_prefix(std::min(end + 1, known.size()));
  }
  return false;
}

/// 20 and 20.0 are the same whole number.
bool read_whole(simdjson::dom::element value, uint64_t most, uint64_t& out) {
  double number = 0;
  if (value.get(number) != simdjson::SUCCESS || number < 0 || number > static_cast<double>(most))
    return false;
  out = static_cast<uint64_t>(number);
  return static_cast<double>(out) == number;
}

/// Puts one member in its place. @returns empty, or what is wrong.
std::string take(std::string_view key, simdjson::dom::element value, access_body& out) {
  const std::string name(key);
  if (name == "rate" || name == "days") {
    auto& place = name == "rate" ? out.rate : out.days;
    if (!read_whole(value, name == "rate" ? rate_most : days_most, place))
      return name + " is a whole number from 0 to "
             + std::to_string(name == "rate" ? rate_most : days_most);
    out.has_rate = out.has_rate || name == "rate";
    return {};
  }
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS)
    return name + " is a text";
  if (text.find('\0') != std::string_view::npos)
    return name + " holds U+0000";
  auto& place = name == "name"       ? out.name
                : name == "password" ? out.password
                : name == "site"     ? out.site
                                     : out.role;
  place = text;
  return {};
}

} // namespace

std::string session_text(bool asks, const model::principal::grant& who) {
  std::string out = asks ? "{\"asks\":true,\"signed_in\":" : "{\"asks\":false";
  if (asks && who.id.empty())
    out += "false";
  if (asks && !who.id.empty()) {
    out += "true";
    if (!who.person.empty())
      append_member(out, "name", who.person);
    append_member(out, "role", title_of(who.role));
    append_member(out, "site", who.site);
    append_key(out, "is_global_admin");
    out += who.role == access_role::admin && who.site == all_sites ? "true" : "false";
    if (who.ends_us != 0)
      append_at(out, "expires_at", who.ends_us);
  }
  return out + "}\n";
}

const char* state_of(const access_key& x, int64_t now_us) {
  if (x.revoked_us != 0)
    return "revoked";
  return x.expires_us != 0 && x.expires_us <= now_us ? "expired" : "active";
}

void append_key_row(std::string& out, const access_key& x, int64_t now_us) {
  out += '{';
  append_member(out, "id", x.id);
  append_member(out, "site", x.site);
  append_member(out, "role", to_text(x.role));
  append_member(out, "state", state_of(x, now_us));
  append_member(out, "name", x.name);
  append_member(out, "rate", uint64_t{x.rate});
  append_at(out, "created_at", x.created_us);
  if (x.expires_us != 0)
    append_at(out, "expires_at", x.expires_us);
  if (x.revoked_us != 0)
    append_at(out, "revoked_at", x.revoked_us);
  if (x.used_day != 0)
    append_member(out, "used_on", model::utc_text(x.used_day * day_us).substr(0, 10));
  out += '}';
}

std::string sites_text(const access_rows& rows, int64_t now_us) {
  std::string out = "{\"sites\":[";
  for (const auto& x : rows.sites) {
    out += out.back() == '[' ? "{" : ",{";
    append_member(out, "site", x.id);
    append_at(out, "created_at", x.created_us);
    const auto active = std::count_if(rows.keys.begin(), rows.keys.end(), [&](const auto& key) {
      return key.site == x.id && is_of_programs(key.role)
             && state_of(key, now_us) == std::string_view{"active"};
    });
    append_member(out, "active_keys", static_cast<uint64_t>(active));
    out += '}';
  }
  return out + "]}\n";
}

std::string keys_text(const access_rows& rows, int64_t now_us) {
  std::string out = "{\"keys\":[";
  for (const auto& x : rows.keys) {
    if (out.back() != '[')
      out += ',';
    append_key_row(out, x, now_us);
  }
  return out + "]}\n";
}

std::string users_text(const access_rows& rows) {
  std::string out = "{\"users\":[";
  for (const auto& x : rows.users) {
    out += out.back() == '[' ? "{" : ",{";
    append_member(out, "name", x.name);
    append_member(out, "role", title_of(x.role));
    append_member(out, "site", x.site);
    append_at(out, "created_at", x.created_us);
    const auto open = std::count_if(rows.sessions.begin(), rows.sessions.end(),
                                    [&](const auto& y) { return y.user == x.name; });
    append_member(out, "sessions", static_cast<uint64_t>(open));
    out += '}';
  }
  return out + "]}\n";
}

std::string check_key_name(std::string_view name) {
  size_t characters = 0;
  bool is_plain = true;
  for (size_t i = 0; i < name.size(); ++i) {
    const auto c = static_cast<unsigned char>(name[i]);
    const bool is_c1 =
        c == 0xc2 && i + 1 < name.size() && static_cast<unsigned char>(name[i + 1]) < 0xa0;
    is_plain = is_plain && c >= ' ' && c != 0x7f && !is_c1;
    characters += (c & 0xc0) != 0x80;
  }
  return is_plain && characters <= key_name_most
             ? std::string{}
             : "name has up to 128 characters, and no control characters";
}

std::string check_counter_pages(std::string_view pages) {
  if (pages.empty())
    return "the page is missing; give one, as name, or what pages begin with and a '*'";
  if (const auto star = pages.find('*'); star < pages.size() - 1)
    return "a '*' stands at the end of what pages begin with, and nowhere else";
  if (!check_key_name(pages).empty())
    return "the page has up to 128 characters, and no control characters; of a longer one give "
           "what it begins with and a '*'";
  return {};
}

std::string check_user_name(const std::string& name) {
  constexpr std::string_view known = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                     "0123456789._@-";
  if (name.empty() || name.size() > name_bytes_most
      || name.find_first_not_of(known) != std::string::npos)
    return "name has 1 to 64 letters, digits, '.', '_', '@' and '-'";
  return {};
}

std::string read_access_body(std::string_view text, std::string_view known, access_body& out) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(text.data(), text.size()).get(object) != simdjson::SUCCESS)
    return "the body is no JSON object with " + std::string(known);
  std::string seen;
  for (const auto member : object) {
    const std::string key(member.key);
    if (!names(known, key))
      return "the member " + key + " is unknown here; known are " + std::string(known);
    if (names(seen, key))
      return key + " stands there twice";
    seen += seen.empty() ? key : ',' + key;
    if (auto bad = take(key, member.value, out); !bad.empty())
      return bad;
  }
  return {};
}

} // namespace footfall::http
