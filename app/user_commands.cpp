#include <cstdio>
#include <iostream>

#include <termios.h>
#include <unistd.h>

#include "actors/model/password.hpp"
#include "actors/ports/clock.hpp"
#include "app/access_commands.hpp"
#include "app/access_records_of.hpp"
#include "app/table.hpp"
#include "net/http/access_text.hpp"

namespace footfall::app {

namespace {

int list_users(const access_options& options, access_records& records) {
  auto rows = records.read();
  if (!rows)
    return failed(rows.error());
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
      return failed(done.error());
    if (!*done)
      return failed(1, "there is nobody called " + options.name);
    std::printf("%s may not sign in any more; nodes end the sessions within 5 s\n",
                options.name.c_str());
    return 0;
  }
  const auto password = read_password();
  if (auto bad = model::check_password(password); !bad.empty())
    return failed(2, "the " + bad + " (it is read from standard input)");
  const auto hash = model::hash_password(password);
  auto done =
      options.what == "passwd"
          ? records.set_password(options.name, hash)
          : records.add_user({options.name, hash,
                              options.role == "admin" ? access_role::admin : access_role::read,
                              options.site, system_now_us()});
  if (!done)
    return failed(done.error());
  if (!*done)
    return failed(1, options.what == "passwd"
                         ? "there is nobody called " + options.name
                         : "there is a " + options.name + " already, or no site " + options.site);
  std::printf(options.what == "passwd" ? "%s has another password, and is signed out\n"
                                       : "%s may sign in, at the query port of each node\n",
              options.name.c_str());
  return 0;
}

} // namespace

int run_user(const access_options& options) {
  auto bad = check_options(options, true);
  if (bad.empty() && options.what != "list")
    bad = http::check_user_name(options.name);
  if (!bad.empty())
    return failed(2, bad);
  std::unique_ptr<access_records> records;
  if (const int code = open_records(options, records); code != 0)
    return code;
  return options.what == "list" ? list_users(options, *records) : change_user(options, *records);
}

} // namespace footfall::app
