#include "app/opening.hpp"

#include <algorithm>

#include "app/cluster_options.hpp"

namespace footfall::app {

namespace {

constexpr std::chrono::seconds pause{1};

/// Only a server can come back by itself. Adapters call everything else by other codes.
bool mends_itself(const caf::error& why, const settings& from, const adapters& so_far) {
  const bool needs_store = so_far.log || !has_log(from);
  const bool remote = needs_store ? !from.database_url.empty() : !from.kafka_broker.empty();
  const auto code = code_of(why);
  return remote
         && (code == errc::log_unavailable || code == errc::store_unavailable
             || code == errc::timeout);
}

/// Another node's place. What it had before it died is the server's to take away.
bool is_held(const caf::error& why) {
  return code_of(why) == errc::in_use;
}

} // namespace

opening::opening(const settings& from, metrics& counts)
    : settings_(from), counts_(counts), thread_([this] { run(); }) {}

opening::~opening() {
  give_up(std::chrono::milliseconds(0));
  thread_.join();
}

void opening::run() {
  using clock = std::chrono::steady_clock;
  adapters out;
  caf::error err;
  auto held_until = clock::time_point::max();
  auto is_over = [&held_until] {
    const auto now = clock::now();
    held_until = std::min(held_until, now + postgres::tenure::lingering);
    return now > held_until;
  };
  do {
    err = open_missing(settings_, counts_, out);
    if (!is_held(err))
      held_until = clock::time_point::max();
  } while (err && (is_held(err) ? !is_over() : mends_itself(err, settings_, out))
           && note(err, out));
  std::lock_guard guard{mutex_};
  result_ = outcome{std::move(err), std::move(out)};
  ended_ = true;
  changed_.notify_all();
}

// False: nobody waits any more.
bool opening::note(const caf::error& why, const adapters& so_far) {
  std::unique_lock guard{mutex_};
  const bool is_of_store = so_far.log || !has_log(settings_);
  waits_.log = is_of_store ? std::string{} : text_of(why);
  waits_.store = is_of_store ? text_of(why) : std::string{};
  return !changed_.wait_for(guard, pause, [this] { return stop_; });
}

opening::waiting opening::waits_for() const {
  std::lock_guard guard{mutex_};
  return waits_;
}

std::optional<opening::outcome> opening::result() {
  std::lock_guard guard{mutex_};
  return std::exchange(result_, std::nullopt);
}

bool opening::give_up(std::chrono::milliseconds most) {
  std::unique_lock guard{mutex_};
  stop_ = true;
  changed_.notify_all();
  return changed_.wait_for(guard, most, [this] { return ended_; });
}

} // namespace footfall::app
