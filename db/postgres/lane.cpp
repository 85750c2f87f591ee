#include "db/postgres/lane.hpp"

namespace footfall::postgres {

using namespace std::chrono_literals;

void job_queue::push(std::unique_ptr<job> x, const char* name) {
  bool closed = false;
  {
    std::lock_guard guard{mutex_};
    closed = closed_;
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

std::unique_ptr<job> job_queue::pop(std::chrono::milliseconds most) {
  std::unique_lock guard{mutex_};
  ready_.wait_for(guard, most, [this] { return closed_ || !jobs_.empty(); });
  if (closed_ || jobs_.empty())
    return nullptr;
  auto out = std::move(jobs_.front());
  jobs_.pop_front();
  while (!jobs_.empty() && out->absorb(*jobs_.front()))
    jobs_.pop_front();
  return out;
}

std::deque<std::unique_ptr<job>> job_queue::close() {
  std::lock_guard guard{mutex_};
  closed_ = true;
  ready_.notify_all();
  return std::move(jobs_);
}

bool job_queue::closed() const {
  std::lock_guard guard{mutex_};
  return closed_;
}

lane::lane(job_queue& queue, std::string url, std::string session, const stop_signal& stop,
           bool keep_connected)
    : queue_(queue), connection_(std::move(url), std::move(session), stop),
      keep_connected_(keep_connected), thread_([this] { loop(); }) {}

std::string lane::health() const {
  std::lock_guard guard{mutex_};
  return health_;
}

bool lane::ensure(caf::error& err) {
  err = connection_.ensure();
  std::lock_guard guard{mutex_};
  health_ = err ? text_of(err) : std::string{};
  return !err;
}

void lane::loop() {
  caf::error err;
  while (!queue_.closed()) {
    if (auto next = queue_.pop(500ms)) {
      work_on(*next);
    } else if ((keep_connected_ || !health().empty()) && !queue_.closed()) {
      connection_.check();
      ensure(err);
    }
  }
}

void lane::work_on(job& x) {
  caf::error err;
  // A connection that died while it was idle is found by its first use.
  connection_.check();
  for (const bool last_try : {false, true}) {
    if (!ensure(err)) {
      x.fail(std::move(err));
      return;
    }
    if (x.run(connection_, last_try))
      return;
  }
}

} // namespace footfall::postgres
