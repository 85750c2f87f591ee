#include "net/http/audit_text.hpp"

#include "actors/model/validate.hpp"
#include "net/http/json_text.hpp"

namespace footfall::http {

namespace {

void append_strings(std::string& out, std::string_view key,
                    const std::vector<std::string>& values) {
  append_key(out, key);
  out += '[';
  for (const auto& x : values) {
    if (out.back() != '[')
      out += ',';
    append_json_safe(out, x);
  }
  out += ']';
}

// Offsets that are not known are null.
void append_offset(std::string& out, std::string_view key, int64_t value) {
  append_key(out, key);
  if (value < 0)
    out += "null";
  else
    append_number(out, static_cast<uint64_t>(value));
}

} // namespace

std::string read_audit_ask(const query_params& from, audit_ask& ask) {
  if (auto bad = from.check_names({"live", "site", "page_url"}); !bad.empty())
    return bad;
  const auto* site = from.find("site");
  const auto* page = from.find("page_url");
  if (site && !page)
    return "page_url is missing beside site; an audit is of one page, or of all there is";
  if (page) {
    ask.site_id = site && !site->empty() ? *site : std::string(default_site);
    ask.page_url = *page;
    for (const auto& bad : {model::validate_site_id(ask.site_id), model::validate_page_url(*page)})
      if (!bad.reason.empty())
        return bad.reason;
  }
  const auto* live = from.find("live");
  if (!live || *live == "sample")
    ask.live = audit_live::sample;
  else if (*live == "all")
    ask.live = audit_live::all;
  else if (*live == "none")
    ask.live = audit_live::none;
  else
    return "live is not one of none, sample, all";
  return {};
}

std::string render(const audit_reply& reply) {
  std::string out = "{\"ok\":";
  out += reply.differences.empty() ? "true" : "false";
  out += ",\"differences\":[";
  for (const auto& x : reply.differences) {
    if (out.back() != '[')
      out += ',';
    out += "{\"table\":";
    append_json_safe(out, x.table);
    append_key(out, "key");
    append_json_safe(out, x.key);
    append_key(out, "expected");
    append_number(out, x.expected);
    append_key(out, "found");
    append_number(out, x.found);
    out += '}';
  }
  out += "],\"partitions\":[";
  for (const auto& x : reply.partitions) {
    if (out.back() != '[')
      out += ',';
    out += "{\"partition\":";
    append_number(out, x.partition);
    append_offset(out, "log_first", x.log_first);
    append_offset(out, "log_end", x.log_end);
    append_offset(out, "acknowledged_end", x.acknowledged_end);
    append_offset(out, "next_offset", x.next_offset);
    append_offset(out, "folded_offset", x.folded_offset);
    out += '}';
  }
  out += ']';
  append_strings(out, "checked", reply.checked);
  append_strings(out, "not_checked", reply.not_checked);
  return out += "}\n";
}

} // namespace footfall::http
