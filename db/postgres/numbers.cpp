#include "db/postgres/numbers.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>

#include <absl/container/flat_hash_map.h>

namespace footfall::postgres {

namespace {

// Site in front, four bytes, then the text.
void make_key(std::string& key, int32_t site_no, std::string_view text) {
  key.resize(sizeof site_no + text.size());
  std::memcpy(key.data(), &site_no, sizeof site_no);
  std::memcpy(key.data() + sizeof site_no, text.data(), text.size());
}

} // namespace

// The texts without a number, each once, in key order: so that two programs that
// insert the same ones cannot lock each other.
struct numbers::wanted {
  struct entry {
    int32_t site_no;
    std::string_view text;
    std::string key;
    int32_t number;
    std::vector<size_t> rows;
  };
  std::vector<entry> entries;
  absl::flat_hash_map<std::string, size_t> by_key;

  void add(const std::string& key, int32_t site_no, std::string_view text, size_t row) {
    auto [at, fresh] = by_key.try_emplace(key, entries.size());
    if (fresh)
      entries.push_back({site_no, text, key, 0, {}});
    entries[at->second].rows.push_back(row);
  }

  // The entries that have no number yet, sorted as the statement sorts them.
  std::vector<size_t> open() const {
    std::vector<size_t> out;
    for (size_t i = 0; i < entries.size(); ++i)
      if (entries[i].number == 0)
        out.push_back(i);
    std::sort(out.begin(), out.end(), [this](size_t a, size_t b) {
      const auto& x = entries[a];
      const auto& y = entries[b];
      return x.site_no != y.site_no ? x.site_no < y.site_no : x.text < y.text;
    });
    return out;
  }
};

const numbers::kind numbers::sites{{"find_sites", R"(
    SELECT g.ord, s.site_no FROM
           unnest($1::int[], $2::text[]) WITH ORDINALITY AS g(no, site_id, ord)
      JOIN core.sites s ON s.site_id = g.site_id)"},
                                   {"add_sites", R"(
    INSERT INTO core.sites (site_id)
    SELECT g.site_id FROM unnest($1::int[], $2::text[]) AS g(no, site_id)
     ORDER BY g.site_id COLLATE "C"
    ON CONFLICT DO NOTHING RETURNING 0, site_id, site_no)"}};

const numbers::kind numbers::types{{"find_types", R"(
    SELECT g.ord, t.type_no FROM
           unnest($1::int[], $2::text[]) WITH ORDINALITY AS g(no, event_type, ord)
      JOIN core.types t ON t.event_type = g.event_type)"},
                                   {"add_types", R"(
    INSERT INTO core.types (event_type)
    SELECT g.event_type FROM unnest($1::int[], $2::text[]) AS g(no, event_type)
     ORDER BY g.event_type COLLATE "C"
    ON CONFLICT DO NOTHING RETURNING 0, event_type, type_no)"}};

const numbers::kind numbers::pages{{"find_pages", R"(
    SELECT g.ord, p.page_no
      FROM unnest($1::int[], $2::text[]) WITH ORDINALITY AS g(site_no, page_url, ord)
      JOIN core.pages p ON p.site_no = g.site_no AND p.page_url = g.page_url)"},
                                   {"add_pages", R"(
    INSERT INTO core.pages (site_no, page_url)
    SELECT g.site_no, g.page_url FROM unnest($1::int[], $2::text[]) AS g(site_no, page_url)
     ORDER BY g.site_no, g.page_url COLLATE "C"
    ON CONFLICT DO NOTHING RETURNING site_no, page_url, page_no)"}};

const numbers::kind numbers::users{{"find_users", R"(
    SELECT g.ord, u.user_no
      FROM unnest($1::int[], $2::text[]) WITH ORDINALITY AS g(site_no, user_id, ord)
      JOIN core.users u ON u.site_no = g.site_no AND u.user_id = g.user_id)"},
                                   {"add_users", R"(
    INSERT INTO core.users (site_no, user_id)
    SELECT g.site_no, g.user_id FROM unnest($1::int[], $2::text[]) AS g(site_no, user_id)
     ORDER BY g.site_no, g.user_id COLLATE "C"
    ON CONFLICT DO NOTHING RETURNING site_no, user_id, user_no)"}};

result numbers::resolve(connection& c, const std::vector<numbered_row>& rows) {
  if (generation_ != c.generation()) {
    for (auto* known : {&sites_, &types_, &pages_, &users_})
      known->clear();
    generation_ = c.generation();
  }
  using r = row_numbers;
  auto done = resolve_one(c, sites, sites_, rows, &r::site_no, false,
                          [](const event_row& x) -> const std::string& { return x.site_id; });
  if (done.ok())
    done = resolve_one(c, types, types_, rows, &r::type_no, false,
                       [](const event_row& x) -> const std::string& { return x.event_type; });
  if (done.ok())
    done = resolve_one(c, pages, pages_, rows, &r::page_no, true,
                       [](const event_row& x) -> const std::string& { return x.page_url; });
  if (done.ok())
    done = resolve_one(c, users, users_, rows, &r::user_no, true,
                       [](const event_row& x) -> const std::string& { return x.user_id; });
  return done;
}

template <class Text>
result numbers::resolve_one(connection& c, const kind& which, model::known_numbers& known,
                            const std::vector<numbered_row>& rows, int32_t row_numbers::*field,
                            bool by_site, Text text) {
  wanted missing;
  for (size_t i = 0; i < rows.size(); ++i) {
    const std::string& value = text(*rows[i].row);
    const int32_t site_no = by_site ? rows[i].no->site_no : 0;
    make_key(key_, site_no, value);
    const auto* number = known.find(key_);
    rows[i].no->*field = number ? *number : 0;
    if (!number)
      missing.add(key_, site_no, value, i);
  }
  if (missing.entries.empty())
    return {};
  auto done = fetch(c, which, known, missing);
  for (const auto& entry : missing.entries)
    for (auto row : entry.rows)
      rows[row].no->*field = entry.number;
  return done;
}

// Looks first and inserts second: a number that ON CONFLICT refuses is used up.
// A number that another program just made is found by the next look.
result numbers::fetch(connection& c, const kind& which, model::known_numbers& known,
                      wanted& missing) {
  constexpr int rounds = 4;
  for (int round = 0; round < rounds; ++round) {
    for (const bool look : {true, false}) {
      const auto open = missing.open();
      if (open.empty())
        return {};
      array site_nos{array::int4, open.size()};
      array texts{array::text, open.size()};
      for (auto i : open) {
        site_nos.add_int4(missing.entries[i].site_no);
        texts.add_bytes(missing.entries[i].text);
      }
      parameters values;
      values.add_array(site_nos);
      values.add_array(texts);
      auto rows = c.run(look ? which.look_up : which.insert, values);
      if (!rows.ok())
        return rows;
      std::string key;
      for (int i = 0; i < rows.rows(); ++i) {
        size_t at = 0;
        if (look) {
          at = open[static_cast<size_t>(rows.int8(i, 0)) - 1];
        } else {
          make_key(key, rows.int4(i, 0), rows.bytes(i, 1));
          at = missing.by_key.at(key);
        }
        auto& entry = missing.entries[at];
        entry.number = rows.int4(i, look ? 1 : 2);
        known.put(entry.key, entry.number);
      }
    }
  }
  return missing.open().empty() ? result{} : result{"40001", "a new number was not found"};
}

} // namespace footfall::postgres
