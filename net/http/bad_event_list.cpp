#include "net/http/bad_event_list.hpp"

#include <absl/strings/escaping.h>

#include "actors/model/time_text.hpp"
#include "actors/model/validate.hpp"
#include "net/http/json_text.hpp"
#include "net/http/response.hpp"

namespace footfall::http {

namespace {

std::string read_page_size(const query_params& params, uint32_t& out) {
  auto bad = read_limit(params, out);
  if (bad.empty() && (out == 0 || out > limits::list_rows))
    bad = "limit is out of range; give one from 1 to 1000";
  return bad;
}

std::string read_after(const query_params& params, position& out) {
  const auto* text = params.find("after");
  if (!text)
    return {};
  std::vector<position> read;
  if (!parse_positions(*text, read) || read.size() != 1)
    return "after is not a position; write it as 0:17";
  out = read[0];
  return {};
}

void append_position(std::string& out, std::string_view name, const position& x) {
  append_key(out, name);
  out += '"' + to_string(x) + '"';
}

/// `"more":...,"next":...}` and the end of the line.
void append_end(std::string& out, bool more, const position* last) {
  append_key(out, "more");
  out += more ? "true" : "false";
  if (more && last) {
    append_position(out, "next", *last);
  } else {
    append_key(out, "next");
    out += "null";
  }
  out += "}\n";
}

void append_row(std::string& out, const bad_event& x) {
  out += '{';
  append_position(out, "position", x.pos);
  append_key(out, "at");
  out += '"' + model::utc_text(x.time_us) + '"';
  append_key(out, "reason");
  append_json_safe(out, x.reason);
  if (x.redriven.offset >= 0) {
    append_position(out, "redriven", x.redriven);
  } else {
    append_key(out, "redriven");
    out += "null";
  }
  append_key(out, "bytes");
  append_number(out, x.raw.size());
  if (model::is_storable_text(x.raw)) {
    append_key(out, "text");
    append_json_string(out, x.raw);
  } else {
    append_key(out, "base64");
    out += '"';
    out += absl::Base64Escape(x.raw);
    out += '"';
  }
  out += '}';
}

} // namespace

std::string read_bad_events_ask(const query_params& params, bad_events_ask& out) {
  if (auto bad = params.check_names({"after", "limit", "open"}); !bad.empty())
    return bad;
  if (const auto* open = params.find("open")) {
    out.open_only = *open == "true";
    if (!out.open_only && *open != "false")
      return "open is unknown; give true or false";
  }
  if (auto bad = read_after(params, out.after); !bad.empty())
    return bad;
  return read_page_size(params, out.limit);
}

std::string read_redrive_ask(const query_params& params, redrive_ask& out) {
  if (auto bad = params.check_names({"positions", "after", "limit"}); !bad.empty())
    return bad;
  if (const auto* text = params.find("positions")) {
    if (!parse_positions(*text, out.positions))
      return "positions are not up to 64 positions; write them as 0:17,2:5";
    if (params.find("after") || params.find("limit"))
      return "positions say all; leave after and limit out";
  }
  if (auto bad = read_after(params, out.after); !bad.empty())
    return bad;
  return read_page_size(params, out.limit);
}

std::string render(const bad_event_page& page) {
  std::string out = "{\"bad_events\":[";
  for (const auto& row : page.rows) {
    if (out.back() != '[')
      out += ',';
    append_row(out, row);
  }
  out += ']';
  append_end(out, page.more, page.rows.empty() ? nullptr : &page.rows.back().pos);
  return out;
}

std::string render(const redrive_reply& reply) {
  size_t accepted = 0;
  std::string results;
  for (const auto& x : reply.results) {
    accepted += x.result.status == outcome::accepted ? 1 : 0;
    results += results.empty() ? "{" : ",{";
    append_position(results, "bad_event", x.pos);
    results += ',';
    append_result(results, x.result);
    results += '}';
  }
  std::string out = "{";
  append_key(out, "redriven");
  append_number(out, accepted);
  append_key(out, "left");
  append_number(out, reply.results.size() - accepted);
  append_key(out, "results");
  out += '[' + results + ']';
  append_end(out, reply.more, reply.results.empty() ? nullptr : &reply.results.back().pos);
  return out;
}

} // namespace footfall::http
