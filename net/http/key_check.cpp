#include "net/http/key_check.hpp"

#include <algorithm>

#include "actors/ports/clock.hpp"
#include "net/http/share_path.hpp"

namespace footfall::http {

using model::access_denial;
using model::access_need;

namespace {

/// Browsers send a cookie to, and from, each port of a host. That of a proxy is not named.
bool is_of_another_port(const request& x) {
  const auto& origin = x.value(header::origin);
  const auto authority = origin.substr(std::min(origin.find("://") + 3, origin.size()));
  const bool names_port = authority.find(':', authority.find(']') + 1) != std::string::npos;
  return x.verb != method::get && x.verb != method::head && origin.find("://") != std::string::npos
         && names_port && authority != x.value(header::host);
}

} // namespace

model::credentials credentials_of(const request& x, bool takes_sessions) {
  return {model::bearer_of(x.value(header::authorization)),
          takes_sessions ? model::session_of(x.value(header::cookie)) : std::string_view{},
          takes_sessions ? read_share_path(x.path()).token : std::string_view{}};
}

problem problem_of(access_denial why, access_need need) {
  problem out{401, "key_needed", text_of(why, need)};
  switch (why) {
  case access_denial::not_known_yet: out.status = 503, out.name = "keys_not_known"; break;
  case access_denial::role: out.status = 403, out.name = "role_needed"; break;
  case access_denial::site: out.status = 403, out.name = "foreign_site"; break;
  case access_denial::rate: out.status = 429, out.name = "rate_exceeded"; break;
  case access_denial::missing: break;
  case access_denial::no_share: out.status = 404, out.name = "no_share"; break;
  case access_denial::no_counter: out.status = 404, out.name = "no_counter"; break;
  default: out.name = "key_refused";
  }
  out.retry = out.status == 429 || out.status == 503;
  if (out.status == 401)
    out.headers = "WWW-Authenticate: Bearer realm=\"footfall\"\r\n";
  return out;
}

std::optional<problem> check_key(const model::access_gate& gate, access_need need,
                                 bool takes_sessions, int64_t now_us, exchange& x) {
  if (need == access_need::nothing)
    return std::nullopt;
  const auto with = credentials_of(*x.in, takes_sessions);
  // Another scheme may be a proxy's own, and passed on.
  if (with.share.empty() && with.bearer.empty() && with.session.empty()
      && !x.in->value(header::authorization).empty())
    return problem_of(access_denial::malformed, need);
  auto found = gate.check(with, need, now_us);
  if (found.why != access_denial::none)
    return problem_of(found.why, need);
  if (!found.who.is().person.empty() && is_of_another_port(*x.in))
    return problem{403, "foreign_origin",
                   "a page of another port of the same host asks; a cookie lets this page alone "
                   "change something"};
  x.who = std::move(found.who);
  return std::nullopt;
}

bool charge(exchange& x, uint64_t amount) {
  const auto now = x.who.take(amount, steady_now());
  if (now.limit == 0)
    return true;
  x.frame.extra += "RateLimit-Limit: " + std::to_string(now.limit)
                   + "\r\nRateLimit-Remaining: " + std::to_string(now.remaining)
                   + "\r\nRateLimit-Reset: " + std::to_string(now.reset_s) + "\r\n";
  if (now.taken)
    return true;
  auto bad = problem_of(access_denial::rate, access_need::nothing);
  bad.detail += "; nothing was stored";
  bad.retry_after_s = std::max(now.reset_s, 1u);
  x.refuse(bad);
  return false;
}

bool keeps_to_its_site(exchange& x, std::string& site) {
  if (x.who.covers(site))
    return true;
  x.refuse(problem_of(access_denial::site, access_need::nothing));
  return false;
}

bool keeps_to_its_site(exchange& x, query_params& params) {
  const auto* named = params.find("site");
  std::string site = named ? *named : "";
  if (!keeps_to_its_site(x, site))
    return false;
  if (!site.empty())
    params.set("site", std::move(site)); // One that is empty stands for the default elsewhere.
  return true;
}

} // namespace footfall::http
