#include "net/http/live_hub.hpp"

#include <algorithm>

#include "actors/model/query_rules.hpp"
#include "net/http/json_text.hpp"
#include "net/http/key_check.hpp"
#include "net/http/live_stream.hpp"
#include "net/http/system_view.hpp"

namespace footfall::http {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr size_t topics_most = 6;
/// How often a topic is asked that no actor tells: by itself, and while events are applied here.
/// One that takes long to answer is asked less often: it keeps nobody busy for more than a fifth.
constexpr auto asked_every = milliseconds{1'000};
constexpr auto asked_soonest = milliseconds{200};
constexpr int rests_for = 5;
constexpr size_t asks_most = 4; ///< Under way at once: other clients have questions, too.
constexpr uint32_t rows_most = 100;
/// A topic without an answer for so long says so. How the node is takes most of it while Kafka is
/// away and is waited for.
constexpr auto answer_late = seconds{6};

/// The question that a topic asks again and again; empty for the others.
std::string_view path_of(std::string_view kind) {
  if (kind == "top")
    return "/v1/stats/top-pages";
  if (kind == "summary")
    return "/v1/stats/summary";
  if (kind == "active")
    return "/v1/stats/active";
  return {};
}

std::string_view kind_of(std::string_view topic) {
  return topic.substr(0, topic.find(':'));
}

std::string_view rest_of(std::string_view topic) {
  const auto colon = topic.find(':');
  return colon == std::string_view::npos ? std::string_view{} : topic.substr(colon + 1);
}

/// The parameters of a topic's own question: what of the stream's it takes.
query_params question_of(std::string_view topic, const query_params& given) {
  query_params out;
  auto pass = [&](std::initializer_list<std::string_view> names) {
    for (auto name : names)
      if (const auto* value = given.find(name))
        out.add(name, *value);
  };
  pass({"site"});
  if (kind_of(topic) != "active")
    pass({"range", "tz"});
  else
    pass({"page_url"});
  if (kind_of(topic) == "top" && !rest_of(topic).empty())
    out.add("limit", std::string(rest_of(topic)));
  if (kind_of(topic) == "summary")
    pass({"compare", "page_url"});
  return out;
}

} // namespace

live_hub::live_hub(request_handler& handler, now_fn now, const live_config& config,
                   int64_t started_us)
    : handler_(handler), now_(std::move(now)), config_(config), started_us_(started_us) {}

live_hub::~live_hub() {
  for (auto* x : streams_)
    x->leave();
}

void live_hub::start(exchange& x) {
  counters_ = x.counters;
  queue_ = x.done.queue;
  if (x.in->verb != method::get)
    return x.refuse(wrong_method("GET"));
  query_params params;
  auto bad = params.parse(x.in->query(), "topic");
  if (bad.empty())
    bad = params.check_names({"site", "topic", "range", "tz", "compare", "page_url"});
  if (bad.empty() && !keeps_to_its_site(x, params))
    return;
  const auto names = params.find_all("topic");
  const bool sees_system = x.who.may(model::access_need::all_admin);
  if (bad.empty() && !sees_system && std::find(names.begin(), names.end(), "system") != names.end())
    return x.refuse(problem_of(model::access_denial::role, model::access_need::all_admin));
  if (bad.empty() && (names.empty() || names.size() > topics_most))
    bad = "topic is missing or given too often; give 1 to 6 of page:URL, top:N, summary, active, "
          "system";
  std::vector<position> after;
  // What cannot be read delays nothing; a browser would never come back from a refusal.
  model::check_after(x.in->value(header::last_event_id), after);
  if (!bad.empty())
    return x.refuse(invalid(std::move(bad)));
  if (!charge(x, names.size()))
    return;
  if (has_its_share(x.who, names.size()) || streams_.size() >= config_.streams
      || topics_.size() + names.size() > config_.topics) {
    add(x.counters->http_streams_refused);
    return x.refuse({503, "too_many_streams",
                     "the node has as many live streams, or different things to tell, as it may "
                     "have; ask again later, or another node",
                     true});
  }
  auto made = std::make_shared<live_stream>(*this, std::move(after), now_, x.who);
  streams_.push_back(made.get());
  add(x.counters->http_streams);
  for (const auto& name : names)
    if (bad = open_topic(name, params, *made); !bad.empty())
      return x.refuse(invalid(std::move(bad)));
  x.begin_stream("text/event-stream",
                 "Cache-Control: no-store, no-transform\r\n"
                 "X-Accel-Buffering: no\r\n",
                 std::move(made));
}

/// A quarter of all streams is the most for one key, session or link: others want some, too. Links
/// together, which anybody may have, get half of them, and a quarter of what is told.
bool live_hub::has_its_share(const model::principal& who, size_t topics) const {
  if (who.id().empty())
    return false;
  const auto is_shared = [](const live_stream* x) { return x->is_shared(); };
  const auto own = std::count_if(streams_.begin(), streams_.end(),
                                 [&](const auto* y) { return y->access_id() == who.id(); });
  if (static_cast<uint32_t>(own) >= std::max(config_.streams / 4, 1u))
    return true;
  if (who.is().role != access_role::share)
    return false;
  const auto told = std::count_if(topics_.begin(), topics_.end(), [&](const auto& x) {
    const auto& readers = x.second->readers;
    return std::any_of(readers.begin(), readers.end(), is_shared);
  });
  return std::count_if(streams_.begin(), streams_.end(), is_shared)
             >= std::max<ptrdiff_t>(config_.streams / 2, 1)
         || static_cast<size_t>(told) + topics > std::max<size_t>(config_.topics / 4, topics);
}

std::string live_hub::open_topic(const std::string& name, const query_params& params,
                                 live_stream& reader) {
  auto made = std::make_unique<live_topic>();
  made->name = name;
  const auto kind = kind_of(name);
  const auto* site = params.find("site");
  if (kind == "page") {
    made->asked.ask.kind = query_kind::page;
    made->asked.ask.site_id = site ? *site : "";
    made->asked.ask.page_url = rest_of(name);
    if (auto bad = model::check_query(made->asked.ask, now_()))
      return bad.reason;
  } else if (const auto path = path_of(kind);
             !path.empty() && (kind == "top" || name.size() == kind.size())) {
    made->params = question_of(name, params);
    if (auto bad = read_question(path, made->params, now_(), made->asked); !bad.empty())
      return bad;
    if (made->asked.ask.limit > rows_most)
      return "top:N is told of up to " + std::to_string(rows_most) + " pages";
  } else if (name != "system") {
    return "topic is unknown; known are page:URL, top:N, summary, active and system";
  }
  made->key = name + '\n' + made->asked.ask.site_id + '\n' + made->params.text();
  for (auto& [id, topic] : topics_)
    if (topic->key == made->key) {
      reader.add(*topic);
      return {};
    }
  made->id = ++last_id_;
  auto& kept = *(topics_[made->id] = std::move(made));
  reader.add(kept);
  if (kept.is_told() || under_way() < asks_most)
    ask(kept); // Else tick() does, soon.
  return {};
}

/// Asks for the state of the topic; the answer comes to told().
void live_hub::ask(live_topic& x) {
  x.asked_at = steady::now();
  x.applied = counters_->events_applied.load(std::memory_order_relaxed);
  x.is_asking = true;
  x.first.reset();
  const completer done{queue_, {hub_slot, x.id}};
  const auto kind = kind_of(x.name);
  if (kind == "page") {
    x.watch = handler_.watch(x.asked.ask.site_id, x.asked.ask.page_url, done);
  } else if (kind == "system") {
    ask_system(handler_, done);
  } else {
    read_question(path_of(kind), x.params, now_(), x.asked); // The range has moved on.
    handler_.query(x.asked.ask, done);
  }
}

void live_hub::told(uint64_t id, completion_value value) {
  const auto found = topics_.find(id);
  if (found == topics_.end())
    return;
  auto& x = *found->second;
  if (auto* answer = std::get_if<query_answer>(&value)) {
    take_answer(x, *answer);
  } else if (auto* system = std::get_if<system_reply>(&value)) {
    x.is_asking = false;
    tell(x, "system", {}, render(*system, *counters_, started_us_, now_()));
  }
}

void live_hub::take_answer(live_topic& x, query_answer& answer) {
  if (answer.code != errc::none) {
    x.is_asking = false;
    if (!x.watch) // What takes long to fail leaves room for others, as what takes long to answer.
      x.took = steady::now() - x.asked_at;
    x.watch.reset();
    x.asked_at = steady::now(); // A pause, however long it was told.
    return tell_trouble(x, problem_of(answer.code, answer.reason));
  }
  if (x.asked.report && x.asked.report->before && !x.first) {
    x.first = std::move(answer);
    auto ask = x.asked.ask;
    ask_about(*x.asked.report->before, ask);
    return handler_.query(std::move(ask), completer{queue_, {hub_slot, x.id}});
  }
  x.is_asking = x.watch != nullptr;
  if (!x.watch)
    x.took = steady::now() - x.asked_at;
  const auto* before = x.first ? &answer : nullptr;
  const auto& now = x.first ? *x.first : answer;
  std::string data;
  append_answer(data, x.asked, now, before);
  tell(x, kind_of(x.name), now.reached, data);
}

void live_hub::tell(live_topic& x, std::string_view event, std::vector<position> reached,
                    const std::string& data) {
  x.in_trouble = false;
  x.reached = std::move(reached);
  x.text = "event: " + std::string(event) + "\ndata: " + data.substr(0, data.find('\n')) + "\n\n";
  ++x.version;
  for (auto* reader : x.readers)
    reader->wake();
}

void live_hub::tell_trouble(live_topic& x, const problem& why) {
  x.in_trouble = true;
  std::string data = "{\"topic\":";
  append_json_safe(data, x.name);
  append_member(data, "status", uint64_t{why.status});
  append_member(data, "detail", why.detail);
  append_key(data, "retry");
  data += why.retry ? "true}" : "false}";
  x.text = "event: trouble\ndata: " + data + "\n\n";
  x.reached.clear();
  ++x.version;
  for (auto* reader : x.readers)
    reader->wake();
}

size_t live_hub::under_way() const {
  return static_cast<size_t>(std::count_if(topics_.begin(), topics_.end(), [](const auto& x) {
    return x.second->is_asking && !x.second->is_told();
  }));
}

live_hub::steady::duration live_hub::period_of(const live_topic& x) const {
  if (x.name == "system") // It waits and does not work: there is no rest to take.
    return asked_every;
  if (x.name == "active") // A window that moves second by second.
    return std::max<steady::duration>(asked_every, x.took * rests_for);
  const bool changed = x.applied != counters_->events_applied.load(std::memory_order_relaxed);
  return std::max<steady::duration>(changed ? asked_soonest : asked_every, x.took * rests_for);
}

void live_hub::tick() {
  const auto now = steady::now();
  auto asks = under_way();
  for (auto& [id, topic] : topics_) {
    auto& x = *topic;
    const auto age = now - x.asked_at;
    const bool has_answer = x.watch && x.version > 0;
    if (!x.is_asking && age >= period_of(x) && (x.is_told() || asks < asks_most)) {
      ask(x);
      asks += x.is_told() ? 0 : 1;
    } else if (x.is_asking && !has_answer && age >= answer_late && !x.in_trouble)
      tell_trouble(x,
                   {503, "timeout", "no answer came for some seconds; it is still awaited", true});
  }
  for (auto* stream : streams_) {
    if (config_.gate && !config_.gate->still_holds(stream->access_id(), now_()))
      stream->end();
    stream->tick(now);
  }
}

void live_hub::forget(live_stream& reader) {
  streams_.erase(std::find(streams_.begin(), streams_.end(), &reader));
  counters_->http_streams.fetch_sub(1, std::memory_order_relaxed);
  for (auto at = topics_.begin(); at != topics_.end();) {
    auto& readers = at->second->readers;
    readers.erase(std::remove(readers.begin(), readers.end(), &reader), readers.end());
    at = readers.empty() ? topics_.erase(at) : std::next(at);
  }
}

} // namespace footfall::http
