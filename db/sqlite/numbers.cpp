#include "db/sqlite/numbers.hpp"

#include <cstring>

namespace footfall::sqlite {

numbers::numbers(connection& on, const char* find, const char* insert, bool has_site, size_t most)
    : on_(on), find_(on, find), has_site_(has_site), known_(most) {
  if (insert)
    insert_ = std::make_unique<statement>(on, insert);
}

std::string_view numbers::key_of(int32_t site_no, std::string_view text) {
  if (!has_site_)
    return text;
  key_.resize(sizeof site_no);
  std::memcpy(key_.data(), &site_no, sizeof site_no);
  key_.append(text);
  return key_;
}

void numbers::bind(statement& to, int32_t site_no, std::string_view text) const {
  to.bind_text(1, text);
  if (has_site_)
    to.bind(2, site_no);
}

int32_t numbers::select(int32_t site_no, std::string_view text) {
  bind(find_, site_no, text);
  const auto number = find_.step() ? static_cast<int32_t>(find_.integer(0)) : 0;
  find_.reset();
  return number;
}

int32_t numbers::known(std::string_view key) {
  const auto* number = known_.find(key);
  return number ? *number : 0;
}

void numbers::forget() {
  known_.clear();
  last_number_ = 0;
}

int32_t numbers::find(int32_t site_no, std::string_view text) {
  const auto key = key_of(site_no, text);
  if (const auto number = known(key); number != 0)
    return number;
  const auto number = select(site_no, text);
  if (number != 0)
    known_.put(key, number);
  return number;
}

int32_t numbers::intern(int32_t site_no, std::string_view text) {
  const auto key = key_of(site_no, text);
  if (has_site_) // Pages and users, of which two in a row are rarely the same.
    return intern_key(site_no, text, key);
  if (last_number_ != 0 && key == last_key_)
    return last_number_;
  last_number_ = intern_key(site_no, text, key);
  last_key_ = key;
  return last_number_;
}

int32_t numbers::intern_key(int32_t site_no, std::string_view text, std::string_view key) {
  if (const auto number = known(key); number != 0)
    return number;
  bind(*insert_, site_no, text);
  insert_->run();
  const auto number =
      on_.changes() == 1 ? static_cast<int32_t>(on_.last_rowid()) : select(site_no, text);
  known_.put(key, number);
  return number;
}

namespace {

const char* insert_or_not(bool may_insert, const char* sql) {
  return may_insert ? sql : nullptr;
}

} // namespace

all_numbers::all_numbers(connection& on, bool may_insert)
    : sites(on, "SELECT site_no FROM core_sites WHERE site_id = ?",
            insert_or_not(may_insert,
                          "INSERT INTO core_sites (site_id) VALUES (?) ON CONFLICT DO NOTHING"),
            false, 10'000),
      types(on, "SELECT type_no FROM core_types WHERE event_type = ?",
            insert_or_not(may_insert,
                          "INSERT INTO core_types (event_type) VALUES (?) ON CONFLICT DO NOTHING"),
            false, 10'000),
      pages(on, "SELECT page_no FROM core_pages WHERE page_url = ? AND site_no = ?",
            insert_or_not(may_insert, "INSERT INTO core_pages (page_url, site_no) VALUES (?, ?)"
                                      " ON CONFLICT DO NOTHING"),
            true, 50'000),
      users(on, "SELECT user_no FROM core_users WHERE user_id = ? AND site_no = ?",
            insert_or_not(may_insert, "INSERT INTO core_users (user_id, site_no) VALUES (?, ?)"
                                      " ON CONFLICT DO NOTHING"),
            true, 200'000) {}

void all_numbers::forget() {
  sites.forget();
  types.forget();
  pages.forget();
  users.forget();
}

} // namespace footfall::sqlite
