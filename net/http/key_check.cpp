#include "net/http/key_check.hpp"

namespace footfall::http {

using model::access_denial;
using model::access_need;

problem problem_of(access_denial why, access_need need) {
  problem out{401, "key_needed", text_of(why, need)};
  switch (why) {
  case access_denial::not_known_yet: out.status = 503, out.name = "keys_not_known"; break;
  case access_denial::role: out.status = 403, out.name = "role_needed"; break;
  case access_denial::site: out.status = 403, out.name = "foreign_site"; break;
  case access_denial::rate: out.status = 429, out.name = "rate_exceeded"; break;
  case access_denial::missing: break;
  default: out.name = "key_refused";
  }
  out.retry = out.status == 429 || out.status == 503;
  if (out.status == 401)
    out.headers = "WWW-Authenticate: Bearer realm=\"footfall\"\r\n";
  return out;
}

std::optional<problem> check_key(const model::access_gate& gate, access_need need,
                                 bool takes_sessions, int64_t now_us, exchange& x) {
  const auto& authorization = x.in->value(header::authorization);
  const auto bearer = model::bearer_of(authorization);
  const auto session =
      takes_sessions ? model::session_of(x.in->value(header::cookie)) : std::string_view{};
  auto found = bearer.empty() && !authorization.empty() && need != access_need::nothing
                   ? model::access_gate::verdict{access_denial::malformed, {}}
                   : gate.check({bearer, session}, need, now_us);
  if (found.why != access_denial::none)
    return problem_of(found.why, need);
  x.who = std::move(found.who);
  x.now_us = now_us;
  return std::nullopt;
}

bool charge(exchange& x, uint64_t amount) {
  const auto now = x.who.take(amount, x.now_us);
  if (now.limit == 0)
    return true;
  x.frame.extra = "RateLimit-Limit: " + std::to_string(now.limit)
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
  if (!named && !site.empty())
    params.add("site", std::move(site));
  return true;
}

} // namespace footfall::http
