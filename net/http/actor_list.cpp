#include "net/http/actor_list.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <tuple>

#include <simdjson.h>

#include "net/http/json_text.hpp"
#include "proto/secrets.hpp"

namespace footfall::http {

namespace {

constexpr size_t rows_most = 10'000;
constexpr int tree_depth_most = 32;

using children_of = std::map<uint64_t, std::vector<const actor_row*>>;

/// The members of a row: id, parent, name, key, state, counters.
void append_actor(std::string& out, const actor_row& row) {
  auto number = [&out](std::string_view name, uint64_t value) {
    append_key(out, name);
    append_number(out, value);
  };
  auto text = [&out](std::string_view name, std::string_view value) {
    append_key(out, name);
    append_json_safe(out, hide_secrets(value));
  };
  number("id", row.id);
  if (row.parent != 0)
    number("parent", row.parent);
  else
    out += ",\"parent\":null";
  text("name", row.name);
  text("key", row.key);
  text("state", row.state);
  number("mailbox", row.mailbox);
  number("processed", row.processed);
  append_key(out, "rate");
  append_number(out, row.rate_milli / 1000);
  out += '.';
  out += static_cast<char>('0' + row.rate_milli / 100 % 10);
  number("restarts", row.restarts);
  text("last_error", row.last_error);
}

/// A field's value is JSON text; one that is not becomes a string, so that the answer can
/// be read whatever an actor says.
void append_field(std::string& out, const std::string& value) {
  const auto shown = hide_secrets(value);
  simdjson::dom::parser parser;
  if (simdjson::dom::element ignored; parser.parse(shown).get(ignored) == simdjson::SUCCESS)
    out += shown;
  else
    append_json_safe(out, shown);
}

void append_node(std::string& out, const actor_row& row, const children_of& children, int depth) {
  out += '{';
  append_actor(out, row);
  out += ",\"children\":[";
  auto at = children.find(row.id);
  if (at != children.end() && depth < tree_depth_most)
    for (const auto* child : at->second) {
      if (out.back() != '[')
        out += ',';
      append_node(out, *child, children, depth + 1);
    }
  out += "]}";
}

uint64_t sort_value(const actor_row& row, const std::string& sort) {
  if (sort == "mailbox")
    return row.mailbox;
  if (sort == "processed")
    return row.processed;
  if (sort == "rate")
    return row.rate_milli;
  return sort == "restarts" ? row.restarts : 0;
}

} // namespace

std::string render(const actor_detail& x) {
  std::string out = "{";
  append_actor(out, x.row);
  append_key(out, "fields");
  out += '{';
  for (const auto& field : x.fields) {
    if (out.back() != '{')
      out += ',';
    append_json_safe(out, field.name);
    out += ':';
    append_field(out, field.value);
  }
  return out + "}}\n";
}

std::string actor_list::read(const query_params& params) {
  if (auto bad = params.check_names({"view", "name", "key", "sort", "limit"}); !bad.empty())
    return bad;
  if (const auto* view = params.find("view")) {
    tree_ = *view == "tree";
    if (!tree_ && *view != "flat")
      return "view is unknown; give tree or flat";
  }
  if (const auto* name = params.find("name"))
    name_ = *name;
  if (const auto* key = params.find("key"))
    key_ = *key;
  if (const auto* sort = params.find("sort")) {
    sort_ = *sort;
    const char* known[] = {"mailbox", "processed", "rate", "restarts", "name"};
    if (std::find(std::begin(known), std::end(known), sort_) == std::end(known))
      return "sort is unknown; give mailbox, processed, rate, restarts or name";
  }
  if (const auto* limit = params.find("limit")) {
    const auto* end = limit->data() + limit->size();
    const auto got = std::from_chars(limit->data(), end, limit_);
    if (got.ec != std::errc{} || got.ptr != end || limit_ == 0 || limit_ > rows_most)
      return "limit is outside 1 to " + std::to_string(rows_most) + "; give a number between";
  }
  return {};
}

bool actor_list::matches(const actor_row& row) const {
  return (name_.empty() || row.name == name_)
         && (key_.empty() || row.key.find(key_) != std::string::npos);
}

std::string actor_list::render(std::vector<actor_row> rows) const {
  std::vector<actor_row> chosen;
  std::copy_if(rows.begin(), rows.end(), std::back_inserter(chosen),
               [&](const actor_row& row) { return matches(row); });
  std::stable_sort(chosen.begin(), chosen.end(), [&](const actor_row& a, const actor_row& b) {
    const auto x = sort_value(a, sort_);
    const auto y = sort_value(b, sort_);
    return x != y ? x > y : std::tie(a.name, a.key, a.id) < std::tie(b.name, b.key, b.id);
  });
  const size_t total = chosen.size();
  chosen.resize(std::min(total, limit_));
  std::string out = "{\"total\":" + std::to_string(total) + ",\"more\":";
  out += total > chosen.size() ? "true" : "false";
  if (tree_)
    return out + render_tree(rows, chosen);
  out += ",\"actors\":[";
  for (const auto& row : chosen) {
    out += out.back() == '[' ? "{" : ",{";
    append_actor(out, row);
    out += '}';
  }
  return out + "]}\n";
}

std::string actor_list::render_tree(const std::vector<actor_row>& all,
                                    const std::vector<actor_row>& chosen) const {
  std::map<uint64_t, const actor_row*> by_id;
  for (const auto& row : all)
    by_id.emplace(row.id, &row);
  std::set<uint64_t> shown;
  children_of children;
  std::vector<const actor_row*> roots;
  for (const auto& row : chosen) {
    auto at = by_id.find(row.id);
    for (int depth = 0; at != by_id.end() && depth < tree_depth_most; ++depth) {
      const auto* node = at->second;
      if (!shown.insert(node->id).second)
        break;
      at = node->parent == 0 ? by_id.end() : by_id.find(node->parent);
      if (at == by_id.end())
        roots.push_back(node);
      else
        children[node->parent].push_back(node);
    }
  }
  std::string out = ",\"tree\":[";
  for (const auto* root : roots) {
    if (out.back() != '[')
      out += ',';
    append_node(out, *root, children, 0);
  }
  return out + "]}\n";
}

} // namespace footfall::http
