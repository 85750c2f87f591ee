#include "app/import/access_line.hpp"

#include <algorithm>
#include <charconv>

#include "app/import/client_field.hpp"
#include "app/import/log_time.hpp"
#include "app/import/request_line.hpp"

namespace footfall::app {

namespace {

constexpr auto npos = std::string_view::npos;

/// Where "[17/May/2015:..." begins. Other brackets are an address's or a name's.
size_t find_time(std::string_view line) noexcept {
  for (auto at = line.find('['); at != npos; at = line.find('[', at + 1))
    if (at + 12 < line.size() && line[at + 3] == '/' && line[at + 7] == '/')
      return at;
  return npos;
}

/// ` 200 2326 "referrer" "agent"`; of the agent the closing quote may be missing.
void read_rest(std::string_view rest, hit& out) {
  int status = 0;
  if (rest.size() >= 4 && rest[0] == ' '
      && std::from_chars(rest.data() + 1, rest.data() + 4, status).ptr == rest.data() + 4)
    out.status = status;
  if (!out.wants_agent)
    return;
  const auto referrer = next_quote(rest, 0);
  const auto referrer_end = referrer == npos ? npos : next_quote(rest, referrer + 1);
  const auto agent = referrer_end == npos ? npos : next_quote(rest, referrer_end + 1);
  if (agent == npos)
    return;
  // Quoted fields of a log's own may stand behind it.
  out.agent = rest.substr(agent + 1, next_quote(rest, agent + 1) - agent - 1);
}

} // namespace

bool looks_like_access_line(std::string_view line) noexcept {
  return find_time(line) != npos;
}

std::string parse_access_line(std::string_view line, hit& out) {
  const auto open = find_time(line);
  std::string_view client;
  // What is no log line at all is told by what should stand first.
  const auto before = line.substr(0, open == npos ? line.find('[') : open);
  if (auto bad = find_client(before, client); !bad.empty())
    return bad;
  const auto bracket = open == npos ? line.find('[') : open;
  const auto close = bracket == npos ? npos : line.find(']', bracket);
  if (close == npos)
    return before.find(' ') == npos ? "no client address at the start" : "no time in brackets";
  if (!parse_log_time(line.substr(bracket + 1, close - bracket - 1), out.event.at_us))
    return "the time is not like [17/May/2015:10:05:03 +0000], or no such time exists";
  const auto quote = line.find_first_not_of(' ', close + 1);
  if (quote == npos || line[quote] != '"')
    return "no quoted request behind the time";
  const auto end = end_of_request(line, quote + 1);
  if (end == npos)
    return "the request has no closing quote: the line is cut off";
  request_line request;
  if (auto bad = parse_request(line.substr(quote + 1, end - quote - 1), request); !bad.empty())
    return bad;
  out.event.user_id = client;
  unescape(request.target, out.event.page_url);
  out.event.event_type = "click";
  out.method = request.method;
  read_rest(line.substr(end + 1), out);
  return {};
}

} // namespace footfall::app
