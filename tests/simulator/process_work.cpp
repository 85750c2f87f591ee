#include "tests/simulator/process.hpp"

#include <cassert>

// What a process does with the partitions that it runs: it applies, and answers.
namespace footfall::simulator {
namespace {

constexpr int64_t slack_us = 10 * ms; ///< Of clocks that are 0.1 % off, over a lease.

} // namespace

void process::run(uint32_t partition, int64_t epoch) {
  note([&] { return "runs " + std::to_string(partition) + ", epoch " + std::to_string(epoch); });
  const auto [who, is_first] = around_.ran.try_emplace({partition, epoch}, rules_->me());
  if (who->second != rules_->me())
    around_.here.wrong("partition " + std::to_string(partition) + " runs with epoch "
                       + std::to_string(epoch) + " at " + text(who->second) + " and at " + label());
  workers_[partition] = {.epoch = epoch, .next = granted_next_[partition]};
}

void process::work() {
  const auto& here = around_.here;
  if (rules_) {
    // As each actor does before it acts, for the process may have been stopped.
    obey(rules_->tick(own_clock()));
    if (is_up_)
      obey(has_log_ ? rules_->log_works(own_clock()) : rules_->log_fails(own_clock()));
    check_lease();
    for (auto& [partition, x] : workers_)
      if (is_up_ && has_log_ && !x.applying_us && rules_->runs_with(partition) == x.epoch
          && (is_busy(partition) || around_.here.luck.percent(3)))
        apply(partition, x);
    answer();
  }
  if (is_up_)
    here_at(here.now() + around_.here.between(150 * ms, 300 * ms), [this] { work(); });
}

void process::check_lease() {
  const auto over_us = around_.store.over_since_us(rules_->me());
  if (!is_up_ || !over_us || *over_us <= slack_us)
    return;
  for (const auto& [partition, x] : workers_)
    if (rules_->runs_with(partition) != 0)
      around_.here.wrong(label() + " still runs partition " + std::to_string(partition) + ", "
                         + std::to_string(*over_us / ms) + " ms after its lease ended");
}

void process::apply(uint32_t partition, worker& x) {
  const auto count = around_.here.between(1, 3);
  x.applying_us = own_clock();
  const auto number = ++x.apply_no;
  ask<bool>([&store = around_.store, partition, epoch = x.epoch, next = x.next,
             count] { return store.apply(partition, epoch, next, count); },
            [this, partition, epoch = x.epoch, number, count](std::optional<bool> moved) {
              const auto found = workers_.find(partition);
              if (found != workers_.end() && found->second.epoch == epoch)
                applied(partition, number, count, moved);
            });
}

void process::applied(uint32_t partition, uint64_t number, int64_t count,
                      std::optional<bool> moved) {
  auto& x = workers_.at(partition);
  if (!x.applying_us || x.apply_no != number)
    return;
  const auto sent_us = *std::exchange(x.applying_us, std::nullopt);
  if (moved.value_or(false)) {
    x.next += count;
    x.applied_us = sent_us;
  }
  if (x.when_idle)
    return std::exchange(x.when_idle, nullptr)();
  const auto epoch = x.epoch;
  if (!moved) {
    note([&] { return "an apply of " + std::to_string(partition) + " failed"; });
    obey(rules_->apply_failed(partition, epoch, own_clock()));
  } else if (!*moved) {
    note([&] { return "is fenced from " + std::to_string(partition); });
    fenced_us_[partition] = own_clock();
    obey(rules_->fenced(partition, epoch, own_clock()));
  }
}

void process::answer() {
  if (!rules_ || !is_up_)
    return;
  const auto now_us = own_clock();
  for (const auto& [partition, x] : workers_) {
    if (rules_->runs_with(partition) != x.epoch)
      continue;
    const auto as_of = model::live_as_of(rules_->freshness_of(partition), around_.rules.live_us,
                                         now_us, x.applied_us, x.applying_us);
    if (as_of)
      check_answer(partition, x, *as_of);
  }
}

void process::check_answer(uint32_t partition, const worker& x, int64_t as_of_us) {
  auto& here = around_.here;
  ++here.counts.answers;
  const auto true_us = true_time_at(as_of_us) - 4; // Rounded to the side of the process.
  const auto committed = around_.store.committed_at(partition, true_us);
  if (x.next < committed)
    here.wrong(label() + " answers partition " + std::to_string(partition) + " with "
               + std::to_string(x.next) + " records as of "
               + std::to_string((here.now() - true_us) / ms) + " ms ago, when "
               + std::to_string(committed) + " were committed");
  if (here.now() - true_us > 2 * s + slack_us)
    here.wrong(label() + " answers partition " + std::to_string(partition) + " as of "
               + std::to_string((here.now() - true_us) / ms) + " ms ago");
}

} // namespace footfall::simulator
