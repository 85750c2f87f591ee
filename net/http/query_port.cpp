#include <charconv>

#include "net/http/access_endpoint.hpp"
#include "net/http/access_text.hpp"
#include "net/http/assets.hpp"
#include "net/http/counter_path.hpp"
#include "net/http/exchange.hpp"
#include "net/http/key_check.hpp"
#include "net/http/live_hub.hpp"
#include "net/http/path_pattern.hpp"
#include "net/http/public_counter.hpp"
#include "net/http/question.hpp"
#include "net/http/share_path.hpp"
#include "net/http/system_history.hpp"
#include "net/http/system_view.hpp"

namespace footfall::http {

namespace {

constexpr std::string_view system_path = "/v1/system";
constexpr std::string_view history_path = "/v1/system/history";
constexpr std::string_view live_path = "/v1/live";
constexpr std::string_view audit_path = "/v1/system/audit"; ///< Of one page.

bool names_page(std::string_view query) {
  query_params params;
  return !params.parse(query).empty() || params.find("page_url");
}

/// Shows the node: /v1/system itself, and what it did in the last minutes.
class system_endpoint final : public endpoint {
public:
  system_endpoint(request_handler& handler, const metrics& counts, now_fn now)
      : handler_(handler), history_(counts), now_(std::move(now)), started_us_(now_()) {}

  int64_t started_us() const { return started_us_; }

  void start(exchange& x) override {
    if (refuses_head(*x.in))
      return x.refuse(wrong_method("GET, HEAD"));
    if (x.in->path() == history_path)
      return answer_history(x);
    if (!x.in->query().empty())
      return x.refuse(invalid("the path takes no query parameters; leave them out"));
    ask_system(handler_, x.done);
  }

  void finish(exchange& x, completion_value value) override {
    auto* found = std::get_if<system_reply>(&value);
    if (!found)
      return x.refuse(problem_of(errc::internal, "the answer was of another kind"));
    x.answer(200, json_type, "Cache-Control: no-store\r\n",
             render(*found, *x.counters, started_us_, now_()) + '\n');
  }

  model::access_need needs(const request&) const override { return model::access_need::all_admin; }

  bool refuses_head(const request& x) const override {
    return x.verb != method::get && x.verb != method::head;
  }

  void tick() override { history_.tick(now_()); }

private:
  void answer_history(exchange& x) const {
    query_params params;
    auto bad = params.parse(x.in->query());
    if (bad.empty())
      bad = params.check_names({"seconds"});
    constexpr auto most = system_history::seconds_most;
    uint32_t seconds = most;
    if (const auto* given = params.find("seconds"); bad.empty() && given) {
      const auto* end = given->data() + given->size();
      const auto read = std::from_chars(given->data(), end, seconds);
      if (read.ec != std::errc{} || read.ptr != end || seconds == 0 || seconds > most)
        bad = "seconds is a whole number from 1 to " + std::to_string(most);
    }
    if (!bad.empty())
      return x.refuse(invalid(std::move(bad)));
    x.answer(200, json_type, "Cache-Control: no-store\r\n", history_.render(seconds) + '\n');
  }

  request_handler& handler_;
  system_history history_;
  now_fn now_;
  int64_t started_us_;
};

/// The query port: questions, counters, the live stream, a look at the node, and the dashboard,
/// which asks this port alone and sends its events here as well.
class query_port final : public endpoint {
public:
  query_port(request_handler& handler, const metrics& counts, const now_fn& now,
             const query_port_config& config)
      : queries_(make_query_endpoint(handler, now)), events_(make_ingest_endpoint(handler)),
        admin_(make_admin_endpoint(handler, now)),
        access_(make_access_endpoint(config.gate, config.desk, now)),
        counters_(make_public_counter(handler, config.gate, now)), system_(handler, counts, now),
        live_(handler, now, {config.streams, config.topics, config.gate}, system_.started_us()) {
    if (config.has_ui)
      ui_ = std::make_unique<assets>(ui_files());
  }

  void start(exchange& x) override {
    if (const auto shared = read_share_path(x.in->path()); !shared.token.empty())
      if (!goes_on_shared(x, shared.below))
        return;
    const auto path = x.in->path();
    if (path == live_path)
      return live_.start(x);
    if (is_of_ui(*x.in))
      return ui_->answer(x);
    x.pending.behind = find(path);
    if (x.pending.behind == admin_.get()) {
      x.pattern = path_pattern(path);
      auto rest = x.in->target.substr(system_path.size());
      const bool audits = path == audit_path;
      const bool is_admins = audits || path == "/v1/system/partitions";
      x.in->target = is_admins ? "/admin" + rest : std::move(rest);
      x.is_slow = audits;
      if (audits && is_reading(*x.in) && !names_page(x.in->query()))
        return x.refuse(invalid("page_url is missing; all there is may be audited at the admin "
                                "port, or by footfall audit"));
    }
    x.pending.behind->start(x);
  }

  void finish(exchange& x, completion_value value) override {
    x.pending.behind->finish(x, std::move(value));
  }

  model::access_need needs(const request& x) const override {
    const auto path = x.path();
    if (const auto shared = read_share_path(path); !shared.token.empty())
      return is_reading(x) && !shared_question(shared.below).empty() ? model::access_need::see
                                                                     : model::access_need::nothing;
    if (is_of_ui(x))
      return model::access_need::nothing; // The pages know nothing; what they show is asked for.
    if (path == live_path)
      return model::access_need::read;
    return path.starts_with(system_path) ? model::access_need::all_admin : find(path)->needs(x);
  }

  bool refuses_head(const request& x) const override {
    if (const auto shared = read_share_path(x.path()); !shared.token.empty())
      return !is_reading(x);
    return find(x.path())->refuses_head(x);
  }

  void told(uint64_t topic, completion_value value) override {
    live_.told(topic, std::move(value));
  }

  void tick() override {
    system_.tick();
    live_.tick();
  }

private:
  /// Answers a page of a shared view and who looks at it; a question goes on as if it had been
  /// asked without the link, by somebody with its rights.
  bool goes_on_shared(exchange& x, std::string_view below) {
    const auto question = shared_question(below);
    const bool asks_who = below == "/v1/session";
    if (!is_reading(*x.in))
      x.refuse(wrong_method("GET, HEAD"));
    else if (is_shared_screen(below) && ui_)
      ui_->answer_shared(x);
    else if (question.empty())
      x.refuse(not_found("a shared view shows /s/{token} and /v1/live, /v1/session and "
                         "/v1/stats/{active,page,series,summary,top-pages} below it"));
    else if (x.who.id().empty())
      x.refuse({404, "no_share",
                "links are of nodes that ask for keys; this one asks nobody, see --auth"});
    else if (asks_who && !x.in->query().empty())
      x.refuse(invalid("the path takes no query parameters; leave them out"));
    else if (asks_who)
      x.answer(200, json_type, "Cache-Control: no-store\r\n", session_text(true, x.who.is()));
    if (x.answered)
      return false;
    x.pattern = question;
    x.in->target.erase(0, x.in->path().size() - below.size());
    return true;
  }

  static bool is_reading(const request& x) {
    return x.verb == method::get || x.verb == method::head;
  }

  endpoint* find(std::string_view path) const {
    if (path == "/v1/events")
      return events_.get();
    if (is_of_counters(path))
      return counters_.get();
    if (is_of_access(path))
      return access_.get();
    if (path == system_path || path == history_path)
      return const_cast<system_endpoint*>(&system_);
    if (path == "/v1/system/cluster" || path == "/v1/system/partitions" || path == audit_path
        || path == "/v1/system/actors" || path.starts_with("/v1/system/actors/"))
      return admin_.get(); // To be looked at, and nothing else.
    return queries_.get();
  }

  bool is_of_ui(const request& x) const { return ui_ && is_reading(x) && ui_->has(x.path()); }

  std::unique_ptr<endpoint> queries_;
  std::unique_ptr<endpoint> events_;
  std::unique_ptr<endpoint> admin_;
  std::unique_ptr<endpoint> access_;
  std::unique_ptr<endpoint> counters_;
  system_endpoint system_;
  live_hub live_;
  std::unique_ptr<assets> ui_; ///< Null: none is served.
};

} // namespace

std::unique_ptr<endpoint> make_query_port(request_handler& handler, const metrics& counts,
                                          const now_fn& now, const query_port_config& config) {
  return std::make_unique<query_port>(handler, counts, now, config);
}

} // namespace footfall::http
