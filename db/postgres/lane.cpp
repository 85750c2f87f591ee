#include "db/postgres/lane.hpp"

#include <algorithm>

namespace footfall::postgres {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

namespace {

/// How long a store that went back may go unnoticed while nothing else is done.
constexpr auto look_every = 2s;

} // namespace

void job_queue::push(std::unique_ptr<job> x, const char* name) {
  bool closed = false;
  {
    std::lock_guard guard{mutex_};
    closed = closed_;
    used_ = true;
    if (!closed && jobs_.size() < most_) {
      jobs_.push_back(std::move(x));
      ready_.notify_one();
      return;
    }
  }
  if (closed)
    x->fail(make_error(errc::shutting_down, "the store is closing"));
  else
    x->fail(make_error(errc::overloaded, std::string(name) + " queue of the store is full ("
                                             + std::to_string(most_) + ")"));
}

std::unique_ptr<job> job_queue::pop(std::chrono::milliseconds most, bool connected) {
  std::unique_lock guard{mutex_};
  auto is_left = [this, connected] { return !connected && serving_ > 0; };
  ready_.wait_for(guard, most, [&] { return closed_ || !jobs_.empty() || is_left(); });
  if (closed_ || jobs_.empty() || is_left())
    return nullptr;
  const auto first = std::min_element(jobs_.begin(), jobs_.end(), [](const auto& a, const auto& b) {
    return a->waits_since_us() < b->waits_since_us();
  });
  auto out = std::move(*first);
  auto at = jobs_.erase(first);
  if (out->waits_since_us() != 0)
    at = jobs_.begin(); // What is in front of it waits less long, and may fit beside it.
  while (at != jobs_.end())
    if (out->absorb(**at))
      at = jobs_.erase(at);
    else if (out->waits_since_us() != 0)
      ++at;
    else
      break;
  return out;
}

bool job_queue::give_back(std::unique_ptr<job>& x) {
  std::lock_guard guard{mutex_};
  if (closed_ || serving_ == 0)
    return false;
  jobs_.push_front(std::move(x));
  ready_.notify_one();
  return true;
}

void job_queue::serving(bool gained) {
  std::lock_guard guard{mutex_};
  serving_ += gained ? 1 : -1;
  if (gained)
    ready_.notify_all(); // Who has no connection waits there no more.
  else if (serving_ == 0)
    alone_.notify_all();
}

bool job_queue::stand_by(std::chrono::milliseconds most) {
  std::unique_lock guard{mutex_};
  alone_.wait_for(guard, most, [this] { return closed_ || serving_ == 0; });
  return !closed_ && serving_ > 0 && !jobs_.empty();
}

std::deque<std::unique_ptr<job>> job_queue::close() {
  std::lock_guard guard{mutex_};
  closed_ = true;
  ready_.notify_all();
  alone_.notify_all();
  return std::move(jobs_);
}

bool job_queue::closed() const {
  std::lock_guard guard{mutex_};
  return closed_;
}

bool job_queue::was_used() const {
  std::lock_guard guard{mutex_};
  return used_;
}

lane::lane(job_queue& queue, std::string url, std::string session, const stop_signal& stop,
           incarnations& past, keep connected)
    : queue_(queue), past_(past), connection_(std::move(url), std::move(session), stop,
                                              [&past](connection& c) { return past.admit(c); }),
      keep_(connected), thread_([this] { loop(); }) {}

std::string lane::health() const {
  std::lock_guard guard{mutex_};
  return health_;
}

bool lane::ensure(caf::error& err) {
  // The store is another incarnation than when it was made: so is all that it prepared.
  if (connection_.connected() && connection_.incarnation() != past_.current())
    connection_.drop();
  const bool is_new = !connection_.connected();
  const auto last = past_.last_entry();
  if (is_new && last.number != entry_)
    connection_.hurry(last.server_no);
  entry_ = last.number;
  is_serving();
  err = connection_.ensure();
  is_serving();
  if (is_new)
    look_at_ = steady::now() + look_every;
  std::lock_guard guard{mutex_};
  health_ = err ? text_of(err) : std::string{};
  return !err;
}

/// Tells the queue when the connection is another than it knows.
bool lane::is_serving() {
  if (const bool now = connection_.connected(); now != serves_) {
    serves_ = now;
    queue_.serving(now);
  }
  return serves_;
}

void lane::loop() {
  while (!queue_.closed()) {
    const auto pause = health().empty() ? 500ms : 100ms;
    if (auto next = queue_.pop(pause, is_serving()))
      work_on(std::move(next));
    else
      look_after();
    if (keep_ == keep::always && steady::now() >= look_at_)
      look_again();
  }
}

bool lane::keeps_connected() const {
  return keep_ == keep::always || (keep_ == keep::from_first_use && queue_.was_used());
}

// Without a connection it gets no jobs while others serve: they tell it that it is wanted.
void lane::look_after() {
  connection_.check();
  const bool wanted = !is_serving() && queue_.stand_by(100ms);
  caf::error err;
  if ((wanted || keeps_connected() || !health().empty()) && !queue_.closed())
    ensure(err);
}

void lane::look_again() {
  look_at_ = steady::now() + look_every;
  if (!connection_.connected())
    return;
  if (auto err = past_.admit(connection_))
    connection_.drop(err);
}

void lane::work_on(std::unique_ptr<job> x) {
  caf::error err;
  // A connection that died while it was idle is found by its first use.
  connection_.check();
  for (const bool last_try : {false, true}) {
    if (!ensure(err)) {
      if (!queue_.give_back(x))
        x->fail(std::move(err));
      return;
    }
    if (x->run(connection_, last_try))
      return;
  }
}

} // namespace footfall::postgres
