#include "app/import/json_log.hpp"

#include <array>

#include <simdjson.h>

#include "app/import/client_field.hpp"
#include "app/import/log_time.hpp"
#include "app/import/request_line.hpp"

namespace footfall::app {

namespace dom = simdjson::dom;

namespace {

/// Names of one thing, the most telling first.
using names = std::array<std::string_view, 8>;

constexpr names client_names{"client_ip", "remote_addr", "remote_ip", "clientip",
                             "ip",        "clienthost",  "client",    "remote_host"};
constexpr names target_names{"request_uri", "uri", "path", "url", "requestpath"};
constexpr names query_names{"args", "query_string", "query"};
constexpr names method_names{"request_method", "method", "requestmethod"};
constexpr names status_names{"status", "status_code", "downstreamstatus"};
constexpr names agent_names{"http_user_agent", "user_agent", "agent", "request_user-agent"};
constexpr names time_names{"ts",         "time_iso8601", "@timestamp", "timestamp",
                           "time_local", "msec",         "time",       "date"};

/// Without regard to the case of letters.
bool same(std::string_view a, std::string_view lower) noexcept {
  if (a.size() != lower.size())
    return false;
  for (size_t i = 0; i < a.size(); ++i)
    if ((a[i] >= 'A' && a[i] <= 'Z' ? static_cast<char>(a[i] | 0x20) : a[i]) != lower[i])
      return false;
  return true;
}

bool get_text(dom::element value, std::string_view& out) {
  return value.get(out) == simdjson::SUCCESS && !out.empty() && out != "-";
}

bool is_there(dom::element value) {
  return !value.is_null();
}

bool is_text(dom::element value) {
  std::string_view text;
  return get_text(value, text);
}

bool is_text_or_number(dom::element value) {
  double number;
  return is_text(value) || value.get(number) == simdjson::SUCCESS;
}

/// The value of the first of `wanted` that `object` has, among those that are fit.
bool find(dom::object object, const names& wanted, bool (*is_fit)(dom::element),
          dom::element& out) {
  size_t best = wanted.size();
  for (auto [key, value] : object)
    for (size_t i = 0; i < best; ++i)
      if (!wanted[i].empty() && same(key, wanted[i]) && is_fit(value)) {
        best = i;
        out = value;
      }
  return best < wanted.size();
}

bool find_text(dom::object object, const names& wanted, std::string_view& out) {
  dom::element value;
  return find(object, wanted, is_text, value) && get_text(value, out);
}

bool has(dom::object object, const names& wanted) {
  dom::element value;
  return find(object, wanted, is_there, value);
}

/// Caddy has a member of its own for the request; elsewhere the line is the request.
dom::object request_of(dom::object line) {
  dom::object inner;
  return line["request"].get(inner) == simdjson::SUCCESS ? inner : line;
}

/// Caddy writes the whole request into messages of its other loggers as well, such as the
/// error of a handler, beside the line that its access log has for it.
bool is_about_request(dom::object line) {
  dom::object request;
  std::string_view logger;
  constexpr std::string_view of_http = "http.", of_access = "http.log.access";
  return line["request"].get(request) == simdjson::SUCCESS
         && line["logger"].get(logger) == simdjson::SUCCESS
         && logger.substr(0, of_http.size()) == of_http
         && logger.substr(0, of_access.size()) != of_access;
}

std::string read_time(dom::object line, int64_t& at_us) {
  dom::element value;
  if (!find(line, time_names, is_text_or_number, value))
    if (line["startutc"].get(value) != simdjson::SUCCESS
        && line["StartUTC"].get(value) != simdjson::SUCCESS)
      return "no time: a member such as ts, time_iso8601, time_local, timestamp or date is missing";
  std::string_view text;
  double number = 0;
  const bool fine = value.get(text) == simdjson::SUCCESS     ? parse_any_time(text, at_us)
                    : value.get(number) == simdjson::SUCCESS ? parse_epoch(number, at_us)
                                                             : false;
  return fine ? "" : "the time is not like 2025-10-10T13:55:36+00:00, or no such time exists";
}

std::string read_client(dom::object line, dom::object request, hit& out) {
  std::string_view text;
  if (!find_text(request, client_names, text) && !find_text(line, client_names, text))
    return "no client: a member such as remote_addr, client_ip, remote_ip or ip is missing";
  const auto who = app::read_client(text);
  if (who.shape == client_shape::none)
    return "the client is neither an address nor a host name";
  out.event.user_id = who.text;
  return {};
}

std::string read_target(dom::object request, hit& out) {
  std::string_view text;
  request_line parsed;
  if (find_text(request, {"request"}, text)) {
    if (auto bad = parse_request(text, parsed); !bad.empty())
      return bad;
    out.method = parsed.method;
    out.event.page_url = parsed.target;
  }
  if (find_text(request, method_names, text)) {
    if (!is_method(text))
      return "the method is none of HTTP";
    out.method = text;
  }
  if (find_text(request, target_names, text)) {
    // A path without its query may stand beside the whole request.
    if (out.event.page_url.empty() || text.find('?') != std::string_view::npos) {
      out.event.page_url = text;
      if (text.find('?') == std::string_view::npos && find_text(request, query_names, text))
        (out.event.page_url += text.front() == '?' ? "" : "?") += text;
    }
  }
  if (out.event.page_url.empty())
    return "no page: a member such as request_uri, request, uri or path is missing";
  return parse_request(
      (out.method.empty() ? "GET" : out.method) + ' ' + out.event.page_url + " HTTP/1.1", parsed);
}

void read_status(dom::object line, hit& out) {
  dom::element value;
  int64_t number = -1;
  std::string_view text;
  if (!find(line, status_names, is_text_or_number, value))
    return;
  if (value.get(text) == simdjson::SUCCESS && text.size() == 3 && text[0] >= '1' && text[0] <= '5')
    out.status = (text[0] - '0') * 100 + (text[1] - '0') * 10 + (text[2] - '0');
  else if (value.get(number) == simdjson::SUCCESS)
    out.status = static_cast<int>(number);
}

void read_agent(dom::object line, dom::object request, hit& out) {
  std::string_view text;
  dom::object headers;
  if (!find_text(line, agent_names, text) && request["headers"].get(headers) == simdjson::SUCCESS)
    for (auto [name, value] : headers)
      if (dom::array all; same(name, "user-agent") && value.get(all) == simdjson::SUCCESS
                          && all.size() > 0 && all.at(0).get(text) == simdjson::SUCCESS)
        break;
  out.agent = text;
}

} // namespace

struct json_log::impl {
  dom::parser parser;

  bool parse(std::string_view text, dom::object& out) {
    dom::element root;
    return parser.parse(text.data(), text.size()).get(root) == simdjson::SUCCESS
           && root.get(out) == simdjson::SUCCESS;
  }
};

json_log::json_log() : impl_(std::make_unique<impl>()) {}
json_log::~json_log() = default;

std::string json_log::read(std::string_view text, hit& out) {
  dom::object line;
  if (!impl_->parse(text, line))
    return "the line is not a whole JSON object";
  if (is_about_request(line))
    return "a message about a request, not its access line";
  const auto request = request_of(line);
  if (auto bad = read_time(line, out.event.at_us); !bad.empty())
    return bad;
  if (auto bad = read_client(line, request, out); !bad.empty())
    return bad;
  if (auto bad = read_target(request, out); !bad.empty())
    return bad;
  read_status(line, out);
  if (out.wants_agent)
    read_agent(line, request, out);
  out.event.event_type = "click";
  return {};
}

json_kind json_log::kind_of(std::string_view text) {
  dom::object line;
  if (!impl_->parse(text, line))
    return json_kind::none;
  for (auto [key, value] : line)
    if (same(key, "page_url") || same(key, "event_type"))
      return json_kind::event;
  const auto request = request_of(line);
  const bool asks = has(request, target_names) || has(request, {"request"});
  const bool knows = has(request, client_names) || has(line, client_names);
  return asks && knows ? json_kind::access : json_kind::event;
}

} // namespace footfall::app
