#include "net/http/access_endpoint.hpp"

#include "actors/model/access_key.hpp"
#include "actors/model/password.hpp"
#include "actors/model/validate.hpp"
#include "net/http/access_text.hpp"
#include "net/http/json_text.hpp"
#include "net/http/key_check.hpp"

namespace footfall::http {

namespace {

constexpr std::string_view no_store = "Cache-Control: no-store\r\n";

enum access_kind { sign_in = 1, sign_out, list, add_site, add_key, revoke, add_user, other_change };

/// "/v1/users/ada/password" in its parts, decoded.
struct access_path {
  std::string noun; ///< session, sites, keys or users.
  std::string name;
  std::string verb;
  bool is_known = false;
};

access_path read_path(std::string_view path) {
  access_path out;
  constexpr std::string_view before = "/v1/";
  if (!path.starts_with(before))
    return out;
  path.remove_prefix(before.size());
  for (auto* part : {&out.noun, &out.name, &out.verb}) {
    const auto end = std::min(path.find('/'), path.size());
    if (!decode_percent(path.substr(0, end), *part))
      return out;
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  const bool is_list = out.name.empty() && out.verb.empty();
  out.is_known = path.empty()
                 && ((is_list && (out.noun == "session" || out.noun == "sites"))
                     || (out.verb.empty() && (out.noun == "keys" || out.noun == "users"))
                     || (out.noun == "users" && !out.name.empty() && out.verb == "password"));
  return out;
}

std::string_view allowed_at(const access_path& at) {
  if (at.noun == "session")
    return "GET, HEAD, POST, DELETE";
  if (at.verb == "password")
    return "POST";
  return at.name.empty() ? "GET, HEAD, POST" : "DELETE";
}

bool is_allowed(method verb, const access_path& at) {
  const bool reads = verb == method::get || verb == method::head;
  if (at.noun == "session")
    return verb != method::other;
  if (!at.verb.empty())
    return verb == method::post;
  return at.name.empty() ? reads || verb == method::post : verb == method::del;
}

std::string check_site(const std::string& site, bool may_be_all) {
  if (site.empty())
    return "site is missing";
  return may_be_all && site == all_sites ? std::string{} : model::validate_site_id(site).reason;
}

/// "viewer" is what people are called who may read.
std::string check_title(const std::string& role, access_role& out) {
  if (role != "viewer" && role != "admin")
    return "role is viewer or admin";
  out = role == "admin" ? access_role::admin : access_role::read;
  return {};
}

/// Where the browser came by TLS, to a proxy before this node, its cookie goes no other way.
std::string cookie_line(const request& x, const std::string& token) {
  const bool secure = x.value(header::origin).starts_with("https://");
  // One from before, without TLS, would be sent first.
  const std::string other =
      secure ? "Set-Cookie: " + std::string(model::plain_cookie) + "=; Path=/; Max-Age=0\r\n" : "";
  return other + "Set-Cookie: " + std::string(secure ? model::secure_cookie : model::plain_cookie)
         + '=' + token + "; Path=/; HttpOnly; SameSite=Strict" + (secure ? "; Secure" : "")
         + "; Max-Age="
         + (token.empty() ? "0" : std::to_string(model::access_gate::session_days * 86'400))
         + "\r\n";
}

class access_endpoint final : public endpoint {
public:
  access_endpoint(const model::access_gate* gate, access_desk* desk, now_fn now)
      : gate_(gate), desk_(desk), now_(std::move(now)) {}

  void start(exchange& x) override {
    const auto at = read_path(x.in->path());
    if (!at.is_known)
      return x.refuse(not_found("known are /v1/session, /v1/sites, /v1/keys, /v1/keys/{id}, "
                                "/v1/users, /v1/users/{name} and /v1/users/{name}/password"));
    if (!is_allowed(x.in->verb, at))
      return x.refuse(wrong_method(allowed_at(at)));
    if (!x.in->query().empty())
      return x.refuse(invalid("the path takes no query parameters; leave them out"));
    const bool reads = x.in->verb == method::get || x.in->verb == method::head;
    if (at.noun == "session" && reads)
      return answer_session(x);
    if (!gate_)
      return x.refuse(not_found("nobody is asked for a key here, so there are none to change; "
                                "see --auth"));
    x.pending.text = at.noun;
    any_access_ask what;
    auto bad = reads ? (x.pending.kind = list, std::string{}) : read_change(*x.in, at, x, what);
    if (!bad.empty())
      return x.refuse(invalid(std::move(bad)));
    if (x.pending.kind == sign_out && model::session_of(x.in->value(header::cookie)).empty())
      return answer_signed_out(x);
    desk_->ask(std::move(what), x.done);
  }

  void finish(exchange& x, completion_value value) override {
    auto* reply = std::get_if<access_reply>(&value);
    if (!reply)
      return x.refuse(problem_of(errc::internal, "the answer was of another kind"));
    if (reply->refused)
      return x.refuse({401, "sign_in_refused", reply->reason});
    if (reply->code != errc::none)
      return refuse(x, *reply);
    if (x.pending.kind == sign_out)
      return answer_signed_out(x);
    if (x.pending.kind == sign_in)
      return x.answer(200, json_type, headers_with(cookie_line(*x.in, reply->text)),
                      session_text(true, gate_->signed_in(reply->text, now_())));
    x.answer(reply->stored ? 200 : 202, json_type, no_store, body_of(x, *reply));
  }

  model::access_need needs(const request& x) const override {
    const bool is_open = x.path() == "/v1/session" || !read_path(x.path()).is_known;
    return is_open ? model::access_need::nothing : model::access_need::all_admin;
  }

  bool refuses_head(const request& x) const override {
    const auto at = read_path(x.path());
    return !at.is_known || !is_allowed(x.verb, at);
  }

private:
  void answer_session(exchange& x) {
    model::principal::grant who;
    if (gate_) {
      // A proxy may name a key for whoever it let in.
      who = gate_->check(credentials_of(*x.in, true), model::access_need::read, now_()).who.is();
    }
    x.answer(200, json_type, no_store, session_text(gate_ != nullptr, who));
  }

  static void answer_signed_out(exchange& x) {
    x.answer(200, json_type, headers_with(cookie_line(*x.in, "")), session_text(true, {}));
  }

  static std::string headers_with(const std::string& line) { return std::string(no_store) + line; }

  static void refuse(exchange& x, const access_reply& reply) {
    auto bad = problem_of(reply.code, reply.reason);
    const bool adds =
        x.pending.kind == add_site || x.pending.kind == add_key || x.pending.kind == add_user;
    if (reply.code == errc::not_found && adds)
      bad.status = 409, bad.name = "conflict";
    if (reply.code == errc::overloaded && (x.pending.kind == sign_in || x.pending.kind == sign_out))
      bad.name = "too_many_tries";
    if (reply.retry_after_s != 0)
      bad.retry_after_s = reply.retry_after_s;
    x.refuse(bad);
  }

  std::string body_of(const exchange& x, const access_reply& reply) const {
    const auto now_us = now_();
    if (x.pending.kind == add_key || x.pending.kind == revoke) {
      std::string out = "{";
      if (x.pending.kind == add_key)
        append_member(out, "key", reply.text);
      append_key(out, "row");
      append_key_row(out, reply.key, now_us);
      if (x.pending.kind == revoke) {
        append_key(out, "stored");
        out += reply.stored ? "true" : "false";
      }
      return out + "}\n";
    }
    if (x.pending.text == "sites")
      return sites_text(reply.rows, now_us);
    return x.pending.text == "keys" ? keys_text(reply.rows, now_us) : users_text(reply.rows);
  }

  /// What is to be changed. @returns empty, or what is wrong with the request.
  static std::string read_change(const request& in, const access_path& at, exchange& x,
                                 any_access_ask& out) {
    if (in.verb == method::del)
      return read_removal(in, at, x, out);
    const std::string_view known = at.noun == "session"    ? "name,password"
                                   : at.noun == "sites"    ? "site"
                                   : at.noun == "keys"     ? "site,role,name,rate,days"
                                   : at.verb == "password" ? "password"
                                                           : "name,password,role,site";
    access_body body;
    if (auto bad = read_access_body(in.body, known, body); !bad.empty())
      return bad;
    if (at.noun == "session") {
      x.pending.kind = sign_in;
      out = access_ask::sign_in{body.name, body.password, x.peer};
      const auto bad = check_user_name(body.name);
      return bad.empty() ? model::check_password(body.password) : bad;
    }
    if (at.noun == "sites") {
      x.pending.kind = add_site;
      out = access_ask::add_site{body.site};
      return check_site(body.site, false);
    }
    if (at.noun == "keys")
      return read_key(body, x, out);
    return read_user(body, at, x, out);
  }

  static std::string read_removal(const request& in, const access_path& at, exchange& x,
                                  any_access_ask& out) {
    if (!in.body.empty())
      return "the request has a body; leave it out";
    x.pending.kind = at.noun == "session" ? sign_out : at.noun == "keys" ? revoke : other_change;
    if (at.noun == "keys")
      out = access_ask::revoke_key{at.name};
    else if (at.noun == "users")
      out = access_ask::remove_user{at.name};
    else
      out = access_ask::sign_out{model::session_id_of(model::session_of(in.value(header::cookie))),
                                 x.peer};
    return {};
  }

  static std::string read_key(const access_body& body, exchange& x, any_access_ask& out) {
    const auto role = read_role(body.role);
    if (!role)
      return "role is ingest, read, admin, share or counter";
    x.pending.kind = add_key;
    const auto rate = body.has_rate ? body.rate : model::usual_rate(*role);
    out = access_ask::add_key{*role, body.site, body.name, static_cast<uint32_t>(rate),
                              static_cast<uint32_t>(body.days)};
    if (!is_of_programs(*role) && body.site == all_sites)
      return std::string(*role == access_role::share ? "a link" : "a counter")
             + " shows one site; name it";
    auto bad = check_site(body.site, true);
    if (bad.empty() && *role == access_role::counter)
      bad = rate == 0 ? "rate of a counter is 1 or more, as everybody may ask"
                      : check_counter_pages(body.name);
    return bad.empty() ? check_key_name(body.name) : bad;
  }

  static std::string read_user(const access_body& body, const access_path& at, exchange& x,
                               any_access_ask& out) {
    if (auto bad = model::check_password(body.password); !bad.empty())
      return bad;
    x.pending.kind = other_change;
    if (at.verb == "password") {
      out = access_ask::set_password{at.name, body.password};
      return {};
    }
    access_ask::add_user made{body.name, body.password, access_role::read, body.site};
    auto bad = check_title(body.role, made.role);
    if (bad.empty())
      bad = check_user_name(body.name);
    if (bad.empty())
      bad = check_site(body.site, true);
    x.pending.kind = add_user;
    out = std::move(made);
    return bad;
  }

  const model::access_gate* gate_;
  access_desk* desk_;
  now_fn now_;
};

} // namespace

bool is_of_access(std::string_view path) {
  return read_path(path).is_known;
}

std::unique_ptr<endpoint> make_access_endpoint(const model::access_gate* gate, access_desk* desk,
                                               now_fn now) {
  return std::make_unique<access_endpoint>(gate, desk, std::move(now));
}

} // namespace footfall::http
