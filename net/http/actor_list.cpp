#include "net/http/actor_list.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include <simdjson.h>

#include "actors/model/actor_rows.hpp"
#include "net/http/json_text.hpp"
#include "proto/secrets.hpp"

namespace footfall::http {

namespace {

constexpr size_t rows_most = 10'000;
constexpr int tree_depth_most = 32;

/// An actor among those of all nodes.
using identity = std::pair<std::string, uint64_t>;
using children_of = std::map<identity, std::vector<const actor_row*>>;

struct known_order {
  const char* name;
  actor_order value;
};
constexpr known_order orders[] = {{"mailbox", actor_order::mailbox},
                                  {"processed", actor_order::processed},
                                  {"rate", actor_order::rate},
                                  {"restarts", actor_order::restarts},
                                  {"name", actor_order::name}};

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
  if (!row.node.empty())
    text("node", row.node);
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

void append_nodes(std::string& out, const std::vector<asked_node>& nodes) {
  out += ",\"nodes\":[";
  for (const auto& x : nodes) {
    out += out.back() == '[' ? "{\"name\":" : ",{\"name\":";
    append_json_safe(out, x.name);
    if (!x.fault.empty()) {
      append_key(out, "error");
      append_json_safe(out, hide_secrets(x.fault));
    }
    out += '}';
  }
  out += ']';
}

void append_node(std::string& out, const actor_row& row, const children_of& children, int depth) {
  out += '{';
  append_actor(out, row);
  out += ",\"children\":[";
  auto at = children.find({row.node, row.id});
  if (at != children.end() && depth < tree_depth_most)
    for (const auto* child : at->second) {
      if (out.back() != '[')
        out += ',';
      append_node(out, *child, children, depth + 1);
    }
  out += "]}";
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
  if (auto bad = params.check_names({"view", "node", "name", "key", "sort", "limit"}); !bad.empty())
    return bad;
  if (const auto* view = params.find("view")) {
    ask_.tree = *view == "tree";
    if (!ask_.tree && *view != "flat")
      return "view is unknown; give tree or flat";
  }
  for (auto [name, to] : {std::pair{"node", &ask_.node}, {"name", &ask_.name}, {"key", &ask_.key}})
    if (const auto* given = params.find(name))
      *to = *given;
  if (const auto* sort = params.find("sort")) {
    const auto* known = std::find_if(std::begin(orders), std::end(orders),
                                     [sort](const auto& x) { return *sort == x.name; });
    if (known == std::end(orders))
      return "sort is unknown; give mailbox, processed, rate, restarts or name";
    ask_.order = known->value;
  }
  if (const auto* limit = params.find("limit")) {
    const auto* end = limit->data() + limit->size();
    const auto got = std::from_chars(limit->data(), end, ask_.limit);
    if (got.ec != std::errc{} || got.ptr != end || ask_.limit == 0 || ask_.limit > rows_most)
      return "limit is outside 1 to " + std::to_string(rows_most) + "; give a number between";
  }
  return {};
}

std::string actor_list::render(const actors_reply& reply) const {
  auto flat = ask_;
  flat.tree = false;
  uint64_t matching = 0;
  const auto chosen = model::choose_actors(reply.rows, flat, matching);
  std::string out = "{\"total\":" + std::to_string(reply.total) + ",\"more\":";
  out += reply.total > chosen.size() ? "true" : "false";
  if (!reply.nodes.empty())
    append_nodes(out, reply.nodes);
  if (ask_.tree)
    return out + render_tree(reply.rows, chosen);
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
  std::map<identity, const actor_row*> by_id;
  for (const auto& row : all)
    by_id.emplace(identity{row.node, row.id}, &row);
  std::set<identity> shown;
  children_of children;
  std::vector<const actor_row*> roots;
  for (const auto& row : chosen) {
    auto at = by_id.find({row.node, row.id});
    for (int depth = 0; at != by_id.end() && depth < tree_depth_most; ++depth) {
      const auto* node = at->second;
      if (!shown.insert(at->first).second)
        break;
      const identity above{node->node, node->parent};
      at = node->parent == 0 ? by_id.end() : by_id.find(above);
      if (at == by_id.end())
        roots.push_back(node);
      else
        children[above].push_back(node);
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
