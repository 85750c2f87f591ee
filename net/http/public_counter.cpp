#include "net/http/public_counter.hpp"

#include <algorithm>

#include "actors/model/generations.hpp"
#include "actors/model/query_rules.hpp"
#include "net/http/counter_path.hpp"
#include "net/http/json_text.hpp"
#include "net/http/key_check.hpp"
#include "proto/site_text.hpp"

namespace footfall::http {

namespace {

constexpr int64_t second_us = 1'000'000;
constexpr int64_t remembered_us = 5 * second_us;
constexpr int64_t renewal_us = second_us;
constexpr size_t remembered_most = 1'024;

/// Pages of all origins may read it, and problems as well.
constexpr std::string_view open_to_all = "Access-Control-Allow-Origin: *\r\n"
                                         "Cross-Origin-Resource-Policy: cross-origin\r\n"
                                         "X-Content-Type-Options: nosniff\r\n";
constexpr std::string_view picture_headers =
    "Content-Security-Policy: default-src 'none'; sandbox\r\n";

class public_counter final : public endpoint {
public:
  public_counter(request_handler& handler, const model::access_gate* gate, now_fn now)
      : handler_(handler), gate_(gate), now_(std::move(now)), known_(remembered_most) {}

  void start(exchange& x) override {
    x.frame.extra += open_to_all;
    if (refuses_head(*x.in))
      return x.refuse(wrong_method("GET, HEAD"));
    const auto at = read_counter_path(x.in->path());
    if (at.site.empty())
      return x.refuse(not_found("counters are at /c/{site}/{page}.json and /c/{site}/{page}.svg"));
    x.pattern = at.is_picture ? "/c/{site}/{page}.svg" : "/c/{site}/{page}.json";
    if (!x.in->query().empty() || x.in->has_after || !x.in->body.empty())
      return x.refuse(invalid("the path takes no query parameters, no Footfall-After and no body; "
                              "leave them out"));
    if (!gate_)
      return x.refuse({404, "no_counter",
                       "counters are of nodes that ask for keys; this one asks nobody, see "
                       "--auth"});
    const auto found = gate_->check_counter(at.site, at.page, now_());
    if (found.why != model::access_denial::none)
      return x.refuse(problem_of(found.why, model::access_need::nothing));
    x.pending.kind = at.is_picture;
    auto& ask = x.pending.asked.ask;
    ask = {};
    ask.kind = query_kind::page;
    ask.site_id = at.site;
    ask.page_url = at.page;
    ask.limit = 0; // Anybody may ask for what is not there: no page becomes live for it.
    if (auto bad = model::check_query(ask, now_()).reason; !bad.empty())
      return x.refuse(invalid(std::move(bad)));
    const auto now_us = steady_now();
    const auto* known = known_.find(key_of(ask));
    if (known && (now_us - known->at_us < remembered_us || now_us < known->renewed_us))
      return answer(x, *known);
    if (!found.who.take(1, now_us).taken) {
      if (known)
        return answer(x, *known);
      return x.refuse(problem_of(errc::overloaded, "the counter is asked for too many pages at "
                                                   "once; ask again in a second"));
    }
    if (known) {
      auto renewed = *known;
      renewed.renewed_us = now_us + renewal_us;
      known_.put(key_of(ask), renewed);
    }
    ask.trace = x.trace;
    handler_.query(ask, x.done);
  }

  void finish(exchange& x, completion_value value) override {
    const auto* told = std::get_if<query_answer>(&value);
    if (!told)
      return x.refuse(problem_of(errc::internal, "the answer was of another kind"));
    if (told->code != errc::none)
      return x.refuse(problem_of(told->code, told->reason));
    answer(x, known_.put(key_of(x.pending.asked.ask),
                         {told->clicks, told->users, told->as_of_us, steady_now()}));
  }

  model::access_need needs(const request&) const override { return model::access_need::nothing; }

  bool refuses_head(const request& x) const override {
    return x.verb != method::get && x.verb != method::head;
  }

private:
  struct remembered {
    uint64_t clicks = 0;
    uint64_t users = 0;
    int64_t as_of_us = 0;
    int64_t at_us = 0;      ///< By steady_now().
    int64_t renewed_us = 0; ///< Until then it is asked anew for somebody else, and does for all.
  };

  static std::string key_of(const query_ask& x) { return in_site(x.site_id, x.page_url); }

  static void answer(exchange& x, const remembered& known) {
    const auto left_us = std::max<int64_t>(remembered_us - (steady_now() - known.at_us), 0);
    auto headers = "Cache-Control: public, max-age=" + std::to_string(left_us / second_us) + "\r\n";
    if (x.pending.kind != 0) {
      headers += picture_headers;
      return x.answer(200, "image/svg+xml", headers, counter_picture(known.clicks));
    }
    std::string body = "{";
    append_member(body, "count", known.clicks);
    append_member(body, "visitors", known.users);
    append_key(body, "as_of");
    append_time(body, known.as_of_us);
    x.answer(200, json_type, headers, body + "}\n");
  }

  request_handler& handler_;
  const model::access_gate* gate_;
  now_fn now_;
  model::generations<absl::flat_hash_map<std::string, remembered>> known_;
};

} // namespace

std::unique_ptr<endpoint> make_public_counter(request_handler& handler,
                                              const model::access_gate* gate, now_fn now) {
  return std::make_unique<public_counter>(handler, gate, std::move(now));
}

} // namespace footfall::http
