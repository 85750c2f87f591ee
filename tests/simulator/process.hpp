#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "actors/model/ownership.hpp"
#include "tests/simulator/lease_store.hpp"
#include "tests/simulator/world.hpp"

namespace footfall::simulator {

/// What the parts of a run share.
struct surroundings {
  world& here;
  lease_store& store;
  const model::ownership_rules& rules;
  uint32_t bad_messages = 0; ///< Percent: some of them are lost, some take up to 1.5 s.
  /// Which process runs a partition with an epoch: one at most ever does.
  std::map<std::pair<uint32_t, int64_t>, owner_id> ran = {};
};

/// Other partitions get a record now and then: nothing of theirs fails when a way is cut.
constexpr bool is_busy(uint32_t partition) {
  return partition % 3 != 2;
}

/// One process of a node: model::ownership, obeyed as OWNERSHIP and the partitions will, over
/// three connections to the store that can do everything but guess. It applies records without end
/// and answers what each partition counts, and checks what it answers.
class process : public std::enable_shared_from_this<process> {
public:
  process(surroundings& around, std::string node, bool aggregates);
  process(const process&) = delete;
  process& operator=(const process&) = delete;
  void start();

  // What is done to it.
  void kill(const char* how);
  void stop_until(int64_t time_us);
  void cut(bool to_store, bool from_store);
  void heal() { cut(false, false); }
  void lose_connection();
  void terminate();
  void set_log(bool works);
  void peer_down(const std::string& node);

  const std::string& node() const noexcept { return node_; }
  std::string label() const;
  bool is_up() const noexcept { return is_up_; }
  bool is_stopped() const noexcept { return around_.here.now() < stopped_until_us_; }
  bool is_draining() const noexcept { return draining_; }
  bool aggregates() const noexcept { return aggregates_; }
  bool has_log() const noexcept { return has_log_; }
  owner_id id() const { return rules_ ? rules_->me() : owner_id{node_, 0}; }
  /// With which epoch it runs a partition, or 0.
  int64_t runs_with(uint32_t partition) const { return rules_ ? rules_->runs_with(partition) : 0; }

private:
  struct call {
    bool is_over = false;
    std::function<void()> fail;
  };
  /// To the store. What is asked goes by the first one, beats by any.
  struct connection {
    uint64_t session = 0;    ///< 0: none.
    uint64_t store_life = 0; ///< In which it was opened.
    std::vector<std::shared_ptr<call>> calls = {};
    std::shared_ptr<call> beat = {};
  };
  struct worker {
    int64_t epoch = 0;
    int64_t next = 0;
    int64_t applied_us = 0;                  ///< Own clock: sending of the last that was answered.
    std::optional<int64_t> applying_us = {}; ///< The same of the one under way.
    uint64_t apply_no = 0;
    std::function<void()> when_idle = {}; ///< The release waits for the apply under way.
  };
  using steps = model::ownership_actions;

  int64_t own_clock() const noexcept { return own_clock_at(around_.here.now()); }
  int64_t own_clock_at(int64_t true_us) const noexcept;
  int64_t true_time_at(int64_t own_us) const noexcept;
  int64_t message_takes();

  void connect(size_t number);
  void disconnect(size_t number);
  /// Lets `statement` run at the store, and `done` here with what it gave, or with nothing when
  /// nobody knows. An answer that comes after `done` was called without one is given too.
  template <class Answer>
  std::shared_ptr<call> ask(std::function<Answer()> statement,
                            std::function<void(std::optional<Answer>)> done, size_t by = 0);
  void reach_store(size_t by, const connection& then, std::function<void()> statement);
  bool is_over(size_t number, uint64_t session) const {
    return connections_[number].session != session;
  }
  /// Runs `what` here, after a stop if there is one.
  void here_at(int64_t time_us, std::function<void()> what);

  void obey(const steps& what);
  void obey(const model::ownership_action& x);
  size_t way_of_beat();
  void send_beat(const model::ownership_action& x);
  void send_claim(const model::ownership_action& x);
  void release(const model::ownership_action& x);
  void send_release(const model::ownership_action& x);
  void run(uint32_t partition, int64_t epoch);
  void wake();
  void work();
  void check_lease();
  void apply(uint32_t partition, worker& x);
  void applied(uint32_t partition, uint64_t number, int64_t count, std::optional<bool> moved);
  void answer();
  void check_answer(uint32_t partition, const worker& x, int64_t as_of_us);
  void end(const char* how);
  template <class Make>
  void note(const Make& make) {
    around_.here.note([&] { return label() + ": " + make(); });
  }

  surroundings& around_;
  std::string node_;
  bool aggregates_;
  int64_t clock_offset_us_;
  int64_t drift_ppm_;
  int64_t wall_offset_us_;

  bool is_up_ = true;
  bool draining_ = false;
  bool has_log_ = true;
  bool cut_to_store_ = false;
  bool cut_from_store_ = false;
  int64_t stopped_until_us_ = 0;
  std::array<connection, 3> connections_;
  uint64_t wake_no_ = 0;
  std::unique_ptr<model::ownership> rules_; ///< Once the store has given a number.
  std::map<uint32_t, worker> workers_;
  std::map<uint32_t, int64_t> granted_next_;
  std::map<uint32_t, int64_t> fenced_us_; ///< Own clock.
  int64_t last_seen_us_ = 0;              ///< Sending of the last beat that was answered.
};

// The way there, the statement, the way back; each may fail by itself.
template <class Answer>
std::shared_ptr<process::call> process::ask(std::function<Answer()> statement,
                                            std::function<void(std::optional<Answer>)> done,
                                            size_t by) {
  auto& here = around_.here;
  auto& calls = connections_[by].calls;
  auto self = shared_from_this();
  auto x = std::make_shared<call>();
  x->fail = [done] { done({}); };
  const connection then{connections_[by].session, connections_[by].store_life};
  if (then.session == 0) { // Not connected: it fails, but not before the caller is done.
    here_at(here.now() + ms, [x] {
      x->is_over = true;
      x->fail();
    });
    return x;
  }
  std::erase_if(calls, [](const auto& old) { return old->is_over; });
  calls.push_back(x);
  here_at(here.now() + 2 * s, [self, x, by, then] {
    if (!x->is_over && !self->is_over(by, then.session))
      self->disconnect(by);
  });
  here.after(message_takes(), [self, x, by, then, statement, done] {
    if (self->cut_to_store_)
      return;
    self->reach_store(by, then, [self, x, statement, done] {
      const auto got = statement();
      auto& here = self->around_.here;
      const auto arrives = here.now() + self->message_takes();
      here.at(arrives, [self, x, got, done] {
        if (self->cut_from_store_)
          return;
        self->here_at(self->around_.here.now(), [self, x, got, done] {
          x->is_over = true;
          done(got);
        });
      });
    });
  });
  return x;
}

} // namespace footfall::simulator
