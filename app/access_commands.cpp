#include "app/access_commands.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "actors/model/access_key.hpp"
#include "actors/model/time_text.hpp"
#include "actors/ports/clock.hpp"
#include "app/access_records_of.hpp"
#include "app/table.hpp"
#include "net/http/access_text.hpp"

namespace footfall::app {

namespace {

constexpr int64_t second_us = 1'000'000;
constexpr int64_t day_s = 86'400;
constexpr uint32_t rate_most = 1'000'000;

/// What people call keys of a role, and the command that makes them.
struct words {
  std::string one;
  const char* command;
};

words words_of(access_role x) {
  if (x == access_role::share)
    return {"link", "share"};
  return x == access_role::counter ? words{"counter", "counter"} : words{"key", "key"};
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
    return failed(rows.error());
  table out{{"site", "made", "active keys"}};
  const auto now_us = system_now_us();
  for (const auto& x : rows->sites) {
    uint64_t active = 0;
    for (const auto& key : rows->keys)
      active += key.site == x.id && is_of_programs(key.role)
                && http::state_of(key, now_us) == std::string_view{"active"};
    out.add({x.id, day_text(x.created_us), std::to_string(active)});
  }
  std::fputs(as_json ? http::sites_text(*rows, now_us).c_str() : out.text().c_str(), stdout);
  return 0;
}

int add_site(const access_options& options, access_records& records) {
  auto done = records.add_site({options.site, system_now_us()});
  if (!done)
    return failed(done.error());
  if (!*done)
    return failed(1, "there is a site " + options.site + " already");
  std::printf("site %s made; footfall key add --site %s makes a key for it\n", options.site.c_str(),
              options.site.c_str());
  return 0;
}

/// Links, counters, or keys of programs, whatever role they have.
int list_keys(const access_options& options, access_role of, access_records& records) {
  auto rows = records.read();
  if (!rows)
    return failed(rows.error());
  const auto now_us = system_now_us();
  const auto called = words_of(of);
  table out{{"id", "site", "role", "state", "rate", "expires", "used",
             of == access_role::counter ? "pages" : "name"}};
  std::string json = "{\"keys\":[";
  for (const auto& x : rows->keys) {
    if ((!options.site.empty() && x.site != options.site)
        || (is_of_programs(of) ? !is_of_programs(x.role) : x.role != of))
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
    std::printf("there are no %ss; footfall %s add makes one\n", called.one.c_str(),
                called.command);
  else
    std::fputs(out.text().c_str(), stdout);
  return 0;
}

/// Stores a new key and prints it, once.
int store(const model::made_key& made, bool as_json, access_records& records) {
  auto done = records.add_key(made.key);
  if (!done)
    return failed(done.error());
  if (!*done)
    return failed(1, "there is no site " + made.key.site + "; footfall site add " + made.key.site
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
  if (made.key.role == access_role::counter) {
    std::fprintf(stderr,
                 "counter %s of site %s. What follows is the beginning of its address at the query "
                 "port; add the page, percent-encoded, and .json or .svg; nodes know it within "
                 "some seconds:\n",
                 made.key.id.c_str(), made.key.site.c_str());
    std::printf("%s\n", made.text.c_str());
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
    return failed(2, "--rate is a number up to " + std::to_string(rate_most)
                         + ", like 50/s; 0 stands for none");
  int64_t lasts_us = 0;
  if (!options.expires.empty() && !read_duration(options.expires, lasts_us))
    return failed(2, "--expires is how long it lasts, up to 100 years, like 90d, 12h or 30m");
  if (lasts_us != 0)
    made.key.expires_us = made.key.created_us + lasts_us;
  return store(made, options.json, records);
}

int revoke_key(const access_options& options, const words& called, access_records& records) {
  auto done = records.revoke(options.id, system_now_us());
  if (!done)
    return failed(done.error());
  if (!*done)
    return failed(1, "there is no " + called.one + ' ' + options.id + "; footfall " + called.command
                         + " list shows those that are");
  std::printf("%s %s is revoked; nodes refuse it within 5 s\n", called.one.c_str(),
              options.id.c_str());
  return 0;
}

/// Another key like it. The old one goes on, so that clients can change over.
int rotate_key(const access_options& options, access_records& records) {
  auto rows = records.read();
  if (!rows)
    return failed(rows.error());
  const auto now_us = system_now_us();
  for (const auto& x : rows->keys) {
    if (x.id != options.id)
      continue;
    if (const auto called = words_of(x.role); !is_of_programs(x.role))
      return failed(1, "that is a " + called.one + "; footfall " + called.command
                           + " add makes another one");
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
  return failed(1, "there is no key " + options.id + "; footfall key list shows those that are");
}

} // namespace

int run_site(const access_options& options) {
  if (auto bad = check_options(options, false); !bad.empty())
    return failed(2, bad);
  std::unique_ptr<access_records> records;
  if (const int code = open_records(options, records); code != 0)
    return code;
  return options.what == "add" ? add_site(options, *records) : list_sites(*records, options.json);
}

int run_key(const access_options& options) {
  if (auto bad = check_options(options, true); !bad.empty())
    return failed(2, bad);
  std::unique_ptr<access_records> records;
  if (const int code = open_records(options, records); code != 0)
    return code;
  const auto role = read_role(options.role).value_or(access_role::read);
  if (options.what == "add")
    return add_key(options, role, *records);
  if (options.what == "revoke")
    return revoke_key(options, words_of(role), *records);
  return options.what == "rotate" ? rotate_key(options, *records)
                                  : list_keys(options, role, *records);
}

namespace {

/// Takes what shows numbers back, and no key of a program, which has a command of its own.
int remove_shown(const access_options& options, access_role role, access_records& records) {
  auto rows = records.read();
  if (!rows)
    return failed(rows.error());
  const auto called = words_of(role);
  const bool is_one = std::any_of(rows->keys.begin(), rows->keys.end(), [&](const auto& x) {
    return x.id == options.id && x.role == role;
  });
  if (!is_one)
    return failed(1, "there is no " + called.one + ' ' + options.id + "; footfall " + called.command
                         + " list shows those that are");
  return revoke_key(options, called, records);
}

int run_shown(const access_options& options, access_role role) {
  if (options.site == all_sites)
    return failed(2, "a " + words_of(role).one + " shows one site; name it by --site");
  const bool makes_counter = role == access_role::counter && options.what == "add";
  auto bad = makes_counter ? http::check_counter_pages(options.name) : std::string{};
  if (bad.empty())
    bad = check_options(options, false);
  if (!bad.empty())
    return failed(2, bad);
  std::unique_ptr<access_records> records;
  if (const int code = open_records(options, records); code != 0)
    return code;
  if (options.what == "add")
    return add_key(options, role, *records);
  return options.what == "rm" ? remove_shown(options, role, *records)
                              : list_keys(options, role, *records);
}

} // namespace

int run_share(const access_options& options) {
  return run_shown(options, access_role::share);
}

int run_counter(const access_options& options) {
  return run_shown(options, access_role::counter);
}

} // namespace footfall::app
