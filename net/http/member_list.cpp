#include "net/http/member_list.hpp"

#include "net/http/json_text.hpp"

namespace footfall::http {

namespace {

void append_numbers(std::string& out, std::string_view name, const std::vector<uint32_t>& all) {
  append_key(out, name);
  out += '[';
  for (auto x : all) {
    if (out.back() != '[')
      out += ',';
    append_number(out, x);
  }
  out += ']';
}

void append_members(std::string& out, const cluster_member& x) {
  append_key(out, "name");
  append_json_safe(out, x.name);
  append_key(out, "incarnation");
  append_number(out, static_cast<uint64_t>(x.incarnation));
  append_key(out, "state");
  append_json_safe(out, x.state);
  append_key(out, "aggregates");
  out += x.aggregates ? "true" : "false";
  append_key(out, "log");
  append_json_safe(out, x.log);
  append_numbers(out, "partitions", x.partitions);
  append_key(out, "role_names");
  append_json_safe(out, x.roles);
  append_key(out, "address");
  append_json_safe(out, x.address);
  if (x.link.empty())
    return;
  append_key(out, "link");
  append_json_safe(out, x.link);
  if (x.link_fault.empty())
    return;
  append_key(out, "link_fault");
  append_json_string(out, x.link_fault);
}

} // namespace

std::string members_of_self(const node_health& x) {
  std::string out;
  for (const auto& member : x.members)
    if (member.self)
      append_members(out, member);
  return out.empty() ? out : ',' + out;
}

std::string other_members(const node_health& x) {
  std::string out;
  for (const auto& member : x.members) {
    if (member.self)
      continue;
    out += ",{\"self\":false,\"draining\":";
    out += member.draining ? "true" : "false";
    append_members(out, member);
    append_key(out, "version");
    append_json_safe(out, member.version);
    out += '}';
  }
  return out;
}

std::string unowned_member(const node_health& x) {
  std::string out;
  if (!x.members.empty())
    append_numbers(out, "unowned", x.unowned);
  return out.empty() ? out : ',' + out;
}

} // namespace footfall::http
