#include "app/access_commands.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <iostream>

#include <termios.h>
#include <unistd.h>

#include "actors/model/access_key.hpp"
#include "actors/model/password.hpp"
#include "actors/model/time_text.hpp"
#include "actors/model/validate.hpp"
#include "actors/ports/clock.hpp"
#include "app/access.hpp"
#include "app/cluster_options.hpp"
#include "app/log.hpp"
#include "app/table.hpp"
#include "net/http/access_text.hpp"
#include "proto/error.hpp"

namespace footfall::app {

namespace {

constexpr int64_t second_us = 1'000'000;
constexpr int64_t day_s = 86'400;
constexpr uint32_t rate_most = 1'000'000;

constexpr int store_is_away = 3; // Of exit codes.

int fail(int code, const std::string& why) {
  std::fprintf(stderr, "footfall: %s\n", redact(why).c_str());
  return code;
}

int fail(const caf::error& why) {
  const bool is_away = code_of(why) == errc::store_unavailable || code_of(why) == errc::timeout;
  return fail(is_away ? store_is_away : 1, text_of(why));
}

/// @returns an exit code, 0 when `out` is open.
int open(const access_options& options, std::unique_ptr<access_records>& out) {
  loaded_options all;
  if (auto bad = load_options(options.from, all); !bad.empty())
    return fail(2, bad);
  if (!has_store(all.values))
    return fail(2, "this node has no database; do it where DATABASE_URL is given, or by /v1/keys, "
                   "/v1/sites and /v1/users of any node");
  auto opened = open_access(all.values);
  if (!opened) {
    const int code = fail(opened.error());
    if (code == store_is_away
        && (options.what == "revoke" || (options.what == "rm" && !options.id.empty())))
      std::fputs("a node that runs revokes it at once: DELETE /v1/keys/ID, or the settings of its "
                 "dashboard\n",
                 stderr);
    return code;
  }
  out = std::move(*opened);
  return 0;
}

/// "2026-11-29"
std::string day_text(int64_t at_us) {
  return model::utc_text(at_us).substr(0, 10);
}

/// Reads "50" or "50/s". False: it is none.
bool read_rate_text(std::string_view text, uint32_t& out) {
  if (text.ends_with("/s"))
    text.remove_suffix(2);
  const auto read = std::from_chars(text.data(), text.data() + text.size(), out);
  return read.ec == std::errc{} && read.ptr == text.data() + text.size() && out <= rate_most;
}

/// Reads "90d", "12h" or "30m". False: it is none.
bool read_duration(std::string_view text, int64_t& out_us) {
  int64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(read.ptr, static_cast<size_t>(text.data() + text.size() - read.ptr));
  const int64_t unit_s = unit == "d" ? day_s : unit == "h" ? 3'600 : unit == "m" ? 60 : 0;
  if (read.ec != std::errc{} || unit_s == 0 || number < 1 || number > 36'500 * day_s / unit_s)
    return false;
  out_us = number * unit_s * second_us;
  return true;
}

int list_sites(access_records& records, bool as_json) {
  auto rows = records.read();
  if (!rows)
    return fail(rows.error());
  table out{{"site", "made", "active keys"}};
  const auto now_us = system_now_us();
  for (const auto& x : rows->sites) {
    uint64_t active = 0;
    for (const auto& key : rows->keys)
      active += key.site == x.id && key.role != access_role::share
                && http::state_of(key, now_us) == std::string_view{"active"};
    out.add({x.id, day_text(x.created_us), std::to_string(active)});
  }
  std::fputs(as_json ? http::sites_text(*rows, now_us).c_str() : out.text().c_str(), stdout);
  return 0;
}

int add_site(const access_options& options, access_records& records) {
  auto done = records.add_site({options.site, system_now_us()});
  if (!done)
    return fail(done.error());
  if (!*done)
    return fail(1, "there is a site " + options.site + " already");
  std::printf("site %s made; footfall key add --site %s makes a key for it\n", options.site.c_str(),
              options.site.c_str());
  return 0;
}

/// Links, or keys of programs.
int list_keys(const access_options& options, bool are_links, access_records& records) {
  auto rows = records.read();
  if (!rows)
    return fail(rows.error());
  const auto now_us = system_now_us();
  table out{{"id", "site", "role", "state", "rate", "expires", "used", "name"}};
  std::string json = "{\"keys\":[";
  for (const auto& x : rows->keys) {
    if ((!options.site.empty() && x.site != options.site)
        || (x.role == access_role::share) != are_links)
      continue;
    out.add({x.id, x.site, to_text(x.role), http::state_of(x, now_us),
             x.rate == 0 ? "-" : std::to_string(x.rate) + "/s",
             x.expires_us == 0 ? "never" : day_text(x.expires_us),
             x.used_day == 0 ? "never" : day_text(x.used_day * day_s * second_us), x.name});
    if (json.back() != '[')
      json += ',';
    http::append_key_row(json, x, now_us);
  }
  if (options.json)
    std::fputs((json + "]}\n").c_str(), stdout);
  else if (out.rows() == 0)
    std::puts(are_links ? "there are no links; footfall share add makes one"
                        : "there are no keys; footfall key add makes one");
  else
    std::fputs(out.text().c_str(), stdout);
  return 0;
}

/// Stores a new key and prints it, once.
int store(const model::made_key& made, bool as_json, access_records& records) {
  auto done = records.add_key(made.key);
  if (!done)
    return fail(done.error());
  if (!*done)
    return fail(1, "there is no site " + made.key.site + "; footfall site add " + made.key.site
                       + " makes it");
  if (as_json) {
    std::string out = "{\"key\":\"" + made.text + "\",\"row\":";
    http::append_key_row(out, made.key, made.key.created_us);
    std::printf("%s}\n", out.c_str());
    return 0;
  }
  // The key alone on standard output, so that it can go into a file.
  if (made.key.role == access_role::share) {
    std::fprintf(
        stderr,
        "link %s of site %s. It is shown once, and stored nowhere; put the address of the "
        "query port in front, such as https://stats.example.com; nodes know it within some "
        "seconds:\n",
        made.key.id.c_str(), made.key.site.c_str());
    std::printf("/s/%s\n", made.text.c_str());
    return 0;
  }
  std::fprintf(stderr,
               "key %s of site %s, role %s. Its text is shown once, and stored nowhere; nodes know "
               "it within some seconds:\n",
               made.key.id.c_str(), made.key.site.c_str(), to_text(made.key.role));
  std::printf("%s\n", made.text.c_str());
  return 0;
}

int add_key(const access_options& options, access_role role, access_records& records) {
  auto made = model::make_key(role, options.site, system_now_us());
  made.key.rate = model::usual_rate(role);
  made.key.name = options.name;
  if (!options.rate.empty() && !read_rate_text(options.rate, made.key.rate))
    return fail(2, "--rate is a number up to " + std::to_string(rate_most)
                       + ", like 50/s; 0 stands for none");
  int64_t lasts_us = 0;
  if (!options.expires.empty() && !read_duration(options.expires, lasts_us))
    return fail(2, "--expires is how long it lasts, up to 100 years, like 90d, 12h or 30m");
  if (lasts_us != 0)
    made.key.expires_us = made.key.created_us + lasts_us;
  return store(made, options.json, records);
}

int revoke_key(const access_options& options, const char* what, access_records& records) {
  auto done = records.revoke(options.id, system_now_us());
  if (!done)
    return fail(done.error());
  if (!*done)
    return fail(1, std::string("there is no ") + what + ' ' + options.id
                       + "; footfall key list shows those that are");
  std::printf("%s %s is revoked; nodes refuse it within 5 s\n", what, options.id.c_str());
  return 0;
}

/// Another key like it. The old one goes on, so that clients can change over.
int rotate_key(const access_options& options, access_records& records) {
  auto rows = records.read();
  if (!rows)
    return fail(rows.error());
  const auto now_us = system_now_us();
  for (const auto& x : rows->keys) {
    if (x.id != options.id)
      continue;
    if (x.role == access_role::share)
      return fail(1, "that is a link; footfall share add makes another one");
    auto made = model::make_key(x.role, x.site, now_us);
    made.key.name = x.name;
    made.key.rate = x.rate;
    if (x.expires_us > x.created_us)
      made.key.expires_us = now_us + (x.expires_us - x.created_us);
    const int code = store(made, options.json, records);
    if (code == 0)
      std::fprintf(stderr, "the old one goes on until: footfall key revoke %s\n", x.id.c_str());
    return code;
  }
  return fail(1, "there is no key " + options.id + "; footfall key list shows those that are");
}

int list_users(const access_options& options, access_records& records) {
  auto rows = records.read();
  if (!rows)
    return fail(rows.error());
  table out{{"name", "role", "site", "made", "signed in"}};
  for (const auto& x : rows->users) {
    uint64_t open = 0;
    for (const auto& session : rows->sessions)
      open += session.user == x.name;
    out.add({x.name, x.role == access_role::admin ? "admin" : "viewer", x.site,
             day_text(x.created_us), std::to_string(open)});
  }
  if (options.json)
    std::fputs(http::users_text(*rows).c_str(), stdout);
  else if (out.rows() == 0)
    std::puts("there is nobody; footfall user add makes somebody who may sign in");
  else
    std::fputs(out.text().c_str(), stdout);
  return 0;
}

/// Reads the first line of standard input, which a terminal does not show meanwhile.
std::string read_password() {
  termios before{};
  const bool is_terminal = ::tcgetattr(STDIN_FILENO, &before) == 0;
  if (is_terminal) {
    std::fputs("password: ", stderr);
    auto quiet = before;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
  }
  std::string out;
  std::getline(std::cin, out);
  if (is_terminal) {
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    std::fputs("\n", stderr);
  }
  return out;
}

int change_user(const access_options& options, access_records& records) {
  if (options.what == "rm") {
    auto done = records.remove_user(options.name);
    if (!done)
      return fail(done.error());
    if (!*done)
      return fail(1, "there is nobody called " + options.name);
    std::printf("%s may not sign in any more; nodes end the sessions within 5 s\n",
                options.name.c_str());
    return 0;
  }
  const auto password = read_password();
  if (auto bad = model::check_password(password); !bad.empty())
    return fail(2, "the " + bad + " (it is read from standard input)");
  const auto hash = model::hash_password(password);
  auto done =
      options.what == "passwd"
          ? records.set_password(options.name, hash)
          : records.add_user({options.name, hash,
                              options.role == "admin" ? access_role::admin : access_role::read,
                              options.site, system_now_us()});
  if (!done)
    return fail(done.error());
  if (!*done)
    return fail(1, options.what == "passwd"
                       ? "there is nobody called " + options.name
                       : "there is a " + options.name + " already, or no site " + options.site);
  std::printf(options.what == "passwd" ? "%s has another password, and is signed out\n"
                                       : "%s may sign in, at the query port of each node\n",
              options.name.c_str());
  return 0;
}

/// A key's site may be all of them. @returns what is wrong with the options, or empty.
std::string check(const access_options& options, bool may_be_all) {
  if (auto bad = http::check_key_name(options.name); !bad.empty())
    return "--" + bad;
  if (options.site.empty() || (may_be_all && options.site == all_sites))
    return {};
  return model::validate_site_id(options.site).reason;
}

} // namespace

int run_site(const access_options& options) {
  if (auto bad = check(options, false); !bad.empty())
    return fail(2, bad);
  std::unique_ptr<access_records> records;
  if (const int code = open(options, records); code != 0)
    return code;
  return options.what == "add" ? add_site(options, *records) : list_sites(*records, options.json);
}

int run_key(const access_options& options) {
  if (auto bad = check(options, true); !bad.empty())
    return fail(2, bad);
  std::unique_ptr<access_records> records;
  if (const int code = open(options, records); code != 0)
    return code;
  if (options.what == "add")
    return add_key(options, read_role(options.role).value_or(access_role::read), *records);
  if (options.what == "revoke")
    return revoke_key(options, "key", *records);
  return options.what == "rotate" ? rotate_key(options, *records)
                                  : list_keys(options, false, *records);
}

namespace {

/// Takes a link back, and no key of a program, which has a command of its own.
int remove_link(const access_options& options, access_records& records) {
  auto rows = records.read();
  if (!rows)
    return fail(rows.error());
  const bool is_link = std::any_of(rows->keys.begin(), rows->keys.end(), [&](const auto& x) {
    return x.id == options.id && x.role == access_role::share;
  });
  if (!is_link)
    return fail(1, "there is no link " + options.id + "; footfall share list shows those that are");
  return revoke_key(options, "link", records);
}

} // namespace

int run_share(const access_options& options) {
  if (auto bad = check(options, false); !bad.empty())
    return fail(2, bad);
  std::unique_ptr<access_records> records;
  if (const int code = open(options, records); code != 0)
    return code;
  if (options.what == "add")
    return add_key(options, access_role::share, *records);
  return options.what == "rm" ? remove_link(options, *records) : list_keys(options, true, *records);
}

int run_user(const access_options& options) {
  auto bad = check(options, true);
  if (bad.empty() && options.what != "list")
    bad = http::check_user_name(options.name);
  if (!bad.empty())
    return fail(2, bad);
  std::unique_ptr<access_records> records;
  if (const int code = open(options, records); code != 0)
    return code;
  return options.what == "list" ? list_users(options, *records) : change_user(options, *records);
}

} // namespace footfall::app
