#include "proto/seeded_bug.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include <hiredis/hiredis.h>
#include <libpq-fe.h>
#include <sqlite3.h>

/// The bugs of the broken program: FOOTFALL_SEEDED_BUG names the one that it has.
/// Some stand in the sources that ask seeded_bug(); the others are changes of the text
/// that goes to SQLite, PostgreSQL and Redis, made where it leaves the program.
namespace {

// `late-fills` is none: what a query puts into the cache comes 50 ms late, as it may.
constexpr const char* in_sources[] = {"late-fills",       "ack-on-enqueue", "batch-200",
                                      "del-not-versions", "no-drain-flush", "unscoped-id"};

struct edit {
  const char* bug;
  std::string_view from, to;
};

constexpr edit edits[] = {
    // PostgreSQL alone: no second process gets at an embedded store.
    {"no-cas", "AND p.epoch = b.epoch\n       AND p.next_offset = b.first_offset", ""},
    {"no-cas", "AND part = $2 AND epoch = $3 RETURNING 1",
     "AND part = $2 AND $3::bigint IS NOT NULL RETURNING 1"},

    {"fold-without-cursor", "SET folded_offset = ?1", "SET folded_offset = folded_offset"},
    {"fold-without-cursor", "AND folded_offset = ?4", ""},
    {"fold-without-cursor", "SET folded_offset = $4", "SET folded_offset = folded_offset"},
    {"fold-without-cursor", "AND folded_offset = $3", ""},

    {"set-not-delta", "SET clicks = clicks + excluded.clicks, last_at_us",
     "SET clicks = excluded.clicks, last_at_us"},
    {"set-not-delta", "SET clicks = t.clicks + excluded.clicks, users",
     "SET clicks = excluded.clicks, users"},

    // Embedded alone, like merges.
    {"merge-without-cursor",
     "INSERT OR REPLACE INTO core_merge_progress VALUES (?, ?, ?, ?, ?, ?, ?)",
     "INSERT OR IGNORE INTO core_merge_progress SELECT ?, 0 * ?, 0 * ?, 0 * ?, 0 * ?, 0 * ?, 0 * "
     "?"},

    {"now-bucket", "SELECT page_no, user_no, site_no, type_no, at_us FROM core_events",
     "SELECT page_no, user_no, site_no, type_no, unixepoch() * 1000000 FROM core_events"},
    {"now-bucket", "site_no, type_no, floor(date_part('epoch', at) / 60)",
     "site_no, type_no, floor(date_part('epoch', now()) / 60)"},

    {"skip-poison",
     "INSERT INTO core_bad_events (position, time_us, reason, raw) VALUES (?, ?, ?, ?)",
     "INSERT INTO core_bad_events (position, time_us, reason, raw) SELECT ?, ?, ?, ? WHERE false"},
    {"skip-poison", "unnest($20::bytea[]) AS raw) r\n     WHERE part = ANY",
     "unnest($20::bytea[]) AS raw) r\n     WHERE false AND part = ANY"},

    {"unscoped-id", "(ARRAY(SELECT part FROM own))\n     ORDER BY event_key, site_no",
     "(ARRAY(SELECT part FROM own)) AND NOT EXISTS (SELECT 1 FROM core.events o"
     " WHERE o.event_key = r.event_key) ORDER BY event_key, site_no"},

    {"del-not-versions", "if have <= ver then", "if true then"},
};

/// The bug of this process, "" for none. A name that nobody knows ends the process: it
/// would pass for a bug that was not noticed.
const std::string& chosen() {
  static const std::string out = [] {
    const char* text = std::getenv("FOOTFALL_SEEDED_BUG");
    const std::string name = text ? text : "";
    auto is_it = [&](const edit& x) { return x.bug == name; };
    if (!name.empty()
        && std::find(std::begin(in_sources), std::end(in_sources), name) == std::end(in_sources)
        && std::none_of(std::begin(edits), std::end(edits), is_it)) {
      std::fprintf(stderr, "FOOTFALL_SEEDED_BUG: no bug is called %s\n", text);
      std::_Exit(2);
    }
    return name;
  }();
  return out;
}

const bool is_chosen_at_start = (chosen(), true);

std::string edited(std::string text) {
  for (const auto& x : edits) {
    if (x.bug != chosen())
      continue;
    for (auto at = text.find(x.from); at != std::string::npos;
         at = text.find(x.from, at + x.to.size()))
      text.replace(at, x.from.size(), x.to);
  }
  return text;
}

} // namespace

namespace footfall {

bool seeded_bug(const char* name) noexcept {
  return chosen() == name;
}

} // namespace footfall

// What the linker calls in place of the libraries' functions (--wrap).
extern "C" {

int __real_sqlite3_prepare_v3(sqlite3*, const char*, int, unsigned, sqlite3_stmt**, const char**);
int __wrap_sqlite3_prepare_v3(sqlite3* on, const char* sql, int, unsigned flags, sqlite3_stmt** out,
                              const char** rest) {
  return __real_sqlite3_prepare_v3(on, edited(sql).c_str(), -1, flags, out, rest);
}

int __real_PQsendPrepare(PGconn*, const char*, const char*, int, const Oid*);
int __wrap_PQsendPrepare(PGconn* on, const char* name, const char* sql, int count,
                         const Oid* types) {
  return __real_PQsendPrepare(on, name, edited(sql).c_str(), count, types);
}

int __real_redisAppendCommandArgv(redisContext*, int, const char**, const size_t*);
int __wrap_redisAppendCommandArgv(redisContext* on, int count, const char** words,
                                  const size_t* sizes) {
  std::vector<std::string> texts;
  std::vector<const char*> new_words;
  std::vector<size_t> new_sizes;
  for (int i = 0; i < count; ++i)
    texts.push_back(edited({words[i], sizes[i]}));
  for (const auto& x : texts) {
    new_words.push_back(x.data());
    new_sizes.push_back(x.size());
  }
  return __real_redisAppendCommandArgv(on, count, new_words.data(), new_sizes.data());
}

} // extern "C"
