#include "app/access_keeper.hpp"

#include "proto/error.hpp"

namespace footfall::app {

access_keeper::access_keeper(std::unique_ptr<access_records> records, model::access_gate& gate,
                             now_fn now, std::function<void(const std::string&)> report)
    : records_(std::move(records)), gate_(gate), now_(std::move(now)), report_(std::move(report)) {}

access_keeper::~access_keeper() {
  {
    std::lock_guard guard{mutex_};
    stopping_ = true;
  }
  ended_.notify_all();
  if (thread_.joinable())
    thread_.join();
}

caf::error access_keeper::begin() {
  if (auto bad = look())
    return bad;
  thread_ = std::thread{[this] { run(); }};
  return caf::none;
}

caf::error access_keeper::look() {
  auto newest = records_->revision();
  if (!newest)
    return std::move(newest.error());
  if (*newest == revision_)
    return caf::none;
  auto rows = records_->read();
  if (!rows)
    return std::move(rows.error());
  revision_ = rows->revision;
  gate_.publish(std::move(*rows));
  return caf::none;
}

/// It is told again after the next restart if it fails: no more than a day is lost by that.
void access_keeper::note_used() {
  const auto days = gate_.used_since_noted();
  if (days.empty() || records_->note_used(days))
    return;
  revision_ = -1; // What the gate knows of the days is old.
}

void access_keeper::run() {
  std::unique_lock guard{mutex_};
  while (!ended_.wait_for(guard, look_every, [this] { return stopping_; })) {
    guard.unlock();
    const auto bad = look();
    if (!bad)
      note_used();
    if (static_cast<bool>(bad) != in_trouble_) {
      in_trouble_ = static_cast<bool>(bad);
      report_(bad ? "changes of keys are not seen, those that are known hold: " + text_of(bad)
                  : "changes of keys are seen again");
    }
    guard.lock();
  }
}

} // namespace footfall::app
