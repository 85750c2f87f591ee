#include "app/remote_desk.hpp"

#include <utility>
#include <vector>

#include "actors/ports/clock.hpp"

namespace footfall::app {

namespace {

constexpr int64_t note_every_us = 60'000'000;
constexpr int64_t patience_us = 14'000'000; // MEMBERSHIP's is shorter, unless it died.

} // namespace

remote_desk::~remote_desk() {
  close();
}

void remote_desk::open(std::function<bool(access_call)> send) {
  std::lock_guard guard{mutex_};
  send_ = std::move(send);
}

void remote_desk::close() {
  std::map<uint64_t, waiting> left;
  {
    std::lock_guard guard{mutex_};
    send_ = nullptr;
    left.swap(open_);
  }
  for (auto& [number, x] : left)
    x.done(access_refusal(errc::shutting_down, "the node ends; ask another one"));
}

void remote_desk::ask(any_access_ask what, std::function<void(access_reply)> done) {
  uint64_t number = 0;
  std::function<bool(access_call)> send;
  {
    std::lock_guard guard{mutex_};
    send = send_;
    number = next_++;
    open_[number] = {std::move(done), steady_now()};
  }
  // Not under the lock: who is asked may answer at once.
  if (!send || !send({number, std::move(what)}))
    take({number, access_refusal(errc::restarting, "the node is not ready for this; ask again")});
}

void remote_desk::take(access_told x) {
  std::function<void(access_reply)> done;
  {
    std::lock_guard guard{mutex_};
    const auto at = open_.find(x.number);
    if (at == open_.end())
      return;
    done = std::move(at->second.done);
    open_.erase(at);
  }
  done(std::move(x.reply));
}

void remote_desk::look(const model::access_gate& gate, int64_t steady_us) {
  std::vector<uint64_t> late;
  {
    std::lock_guard guard{mutex_};
    for (const auto& [number, x] : open_)
      if (steady_us - x.since_us > patience_us)
        late.push_back(number);
  }
  for (const auto number : late)
    take(
        {number, access_refusal(errc::timeout, "no node answered in time; it may have been done")});
  if (!gate.knows() || (noted_us_ != 0 && steady_us - noted_us_ < note_every_us))
    return;
  noted_us_ = steady_us;
  if (auto days = gate.used_since_noted(); !days.empty())
    ask(access_ask::note_used{std::move(days)}, [](const access_reply&) {});
}

} // namespace footfall::app
