#include "actors/answer/query_names.hpp"

#include <algorithm>
#include <cassert>

#include "actors/answer/query_parts.hpp"
#include "actors/answer/query_reads.hpp"
#include "proto/site_text.hpp"

namespace footfall::query_parts {

namespace {

using open_query = query_state::open_query;

// Of users, or else of event types, at the site that is asked about.
model::site_names::of_site names_of(query_ptr self, const query_ask& ask) {
  auto& st = self->state;
  return (ask.kind == query_kind::users ? st.user_names : st.type_names).of(ask.site_id);
}

// What no row names is the rest of all clicks of the page.
void count_others(query_answer& answer) {
  uint64_t named = 0;
  for (const auto& row : answer.rows)
    named += row.clicks;
  answer.other_types = answer.clicks - named;
  answer.more = answer.other_types > 0;
}

} // namespace

std::string page_of(const query_ask& ask) {
  return in_site(ask.site_id, ask.page_url);
}

int32_t user_number(query_ptr self, const query_ask& ask) {
  const auto* found = self->state.user_numbers.find(in_site(ask.site_id, ask.user_id));
  return found ? *found : 0;
}

void note_user_number(query_ptr self, const query_ask& ask, int32_t user_no) {
  assert(user_no > 0);
  self->state.user_numbers.put(in_site(ask.site_id, ask.user_id), user_no);
}

void order_rows(query_answer& answer, uint32_t limit) {
  std::sort(answer.rows.begin(), answer.rows.end(), [](const auto& a, const auto& b) {
    return a.clicks != b.clicks ? a.clicks > b.clicks : a.name < b.name;
  });
  if (answer.rows.size() > limit) {
    answer.rows.resize(limit);
    answer.more = true;
  }
}

void take_names(query_ptr self, const open_query& x, store_answer& read) {
  auto names = names_of(self, x.ask);
  for (size_t i = 0; i < read.numbers.size() && i < read.names.size(); ++i)
    names.put(read.numbers[i], std::move(read.names[i]));
}

void finish_named(query_ptr self, uint64_t id, open_query& x) {
  assert(x.numbers.size() == x.answer.rows.size());
  const bool users = x.ask.kind == query_kind::users;
  auto names = names_of(self, x.ask);
  std::vector<int32_t> missing;
  for (size_t i = 0; i < x.numbers.size(); ++i) {
    if (const auto* name = names.find(x.numbers[i]))
      x.answer.rows[i].name = *name;
    else
      missing.push_back(x.numbers[i]);
  }
  if (missing.empty()) {
    auto answer = std::move(x.answer);
    order_rows(answer, users ? x.ask.limit : limits::named_types);
    if (!users)
      count_others(answer);
    finish(self, id, std::move(answer));
    return;
  }
  read_names(self, id, x.ask, std::move(missing));
}

void name_rows(query_ptr self, uint64_t id, open_query& x, query_answer answer,
               const std::vector<numbered_count>& rows) {
  x.numbers.clear();
  for (const auto& row : rows) {
    x.numbers.push_back(row.number);
    answer.rows.push_back({{}, row.clicks, 0});
  }
  x.told_clicks = std::max(x.told_clicks, answer.clicks);
  x.answer = std::move(answer);
  finish_named(self, id, x);
}

} // namespace footfall::query_parts
