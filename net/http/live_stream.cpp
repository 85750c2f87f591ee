#include "net/http/live_stream.hpp"

#include <algorithm>
#include <random>

#include "net/http/json_text.hpp"

namespace footfall::http {

namespace {

using steady = std::chrono::steady_clock;

constexpr size_t ids_most = 64; ///< As model::check_after reads them.
constexpr auto beat_every = std::chrono::seconds{5};
/// A node that is behind what the client saw elsewhere catches up in this time, or the client
/// sees the older state and its position.
constexpr auto catch_up_most = std::chrono::seconds{5};
constexpr std::string_view hello = "retry: 1000\nevent: hello\ndata: {\"interval_ms\":200}\n\n";

/// Milliseconds after which a client comes back, so that not all come at once.
uint32_t return_ms() {
  thread_local std::minstd_rand random{std::random_device{}()};
  return std::uniform_int_distribution<uint32_t>{500, 3'000}(random);
}

} // namespace

live_stream::live_stream(live_hub& hub, std::vector<position> after, const now_fn& now,
                         const model::principal& who)
    : hub_(&hub), now_(now), access_id_(who.id()), is_shared_(who.is().role == access_role::share),
      after_(std::move(after)), told_(after_), began_(steady::now()), sent_at_(began_) {}

live_stream::~live_stream() {
  if (hub_)
    hub_->forget(*this);
}

void live_stream::add(live_topic& x) {
  topics_.push_back({&x, 0});
  x.readers.push_back(this);
}

bool live_stream::is_too_old(const live_topic& x) const {
  if (after_.empty() || steady::now() - began_ > catch_up_most)
    return false;
  return std::any_of(x.reached.begin(), x.reached.end(), [this](const position& has) {
    return std::any_of(after_.begin(), after_.end(), [&](const position& wanted) {
      return wanted.partition == has.partition && wanted.offset > has.offset;
    });
  });
}

/// One id for all topics: what the client has seen of each partition, whichever told it. Beyond
/// what a client may send back there is none.
void live_stream::append_id(std::string& out, const live_topic& x) {
  for (const auto& has : x.reached) {
    const auto known = std::find_if(told_.begin(), told_.end(), [&](const position& y) {
      return y.partition == has.partition;
    });
    if (known == told_.end())
      told_.push_back(has);
    else
      known->offset = std::max(known->offset, has.offset);
  }
  const auto id = to_string(told_);
  if (!x.reached.empty() && !id.empty() && told_.size() <= ids_most)
    out += "id: " + id + '\n';
}

void live_stream::take(std::string& out) {
  if (!said_hello_)
    out += hello;
  said_hello_ = true;
  for (auto& [topic, seen] : topics_) {
    if (seen == topic->version || is_too_old(*topic))
      continue;
    seen = topic->version;
    append_id(out, *topic);
    out += topic->text;
  }
  if (out.empty() && beat_due_) {
    out += "event: beat\ndata: {\"at\":";
    append_time(out, now_());
    out += "}\n\n";
  }
  if (ends_) {
    out += "event: bye\ndata: {\"retry_ms\":" + std::to_string(return_ms()) + "}\n\n";
    is_over_ = true;
  }
  beat_due_ = false;
  if (!out.empty())
    sent_at_ = steady::now();
}

void live_stream::end() {
  ends_ = true;
  wake();
}

void live_stream::tick(steady::time_point now) {
  beat_due_ = now - sent_at_ >= beat_every;
  const bool behind = std::any_of(topics_.begin(), topics_.end(),
                                  [](const place& x) { return x.seen != x.topic->version; });
  if (beat_due_ || behind)
    wake();
}

} // namespace footfall::http
