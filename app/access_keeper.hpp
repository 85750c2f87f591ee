#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "actors/model/access_gate.hpp"
#include "actors/ports/access_desk.hpp"
#include "actors/ports/access_records.hpp"
#include "actors/ports/clock.hpp"
#include "app/try_limits.hpp"

namespace footfall::app {

/// Tells a gate of the keys and people that are stored, and again within `look_every` of a change,
/// made by whatever node or command. While the store is away the gate goes on with what it knows;
/// a key that is revoked meanwhile is refused at once, and stored as revoked later. Does what
/// people ask about it, and notes on which day keys and sessions were used last.
///
/// One thread reads and writes the store; two hash passwords, so that signing in takes no more
/// than two cores and 128 MiB, however many try.
class access_keeper final : public access_desk {
public:
  static constexpr std::chrono::milliseconds look_every{2'000};

  /// `gate` outlives it. `report` gets a line when the store cannot be read any more, and when it
  /// can again.
  access_keeper(model::access_gate& gate, now_fn now,
                std::function<void(const std::string&)> report);
  /// Ends the looking. What was asked and not done is answered errc::shutting_down.
  ~access_keeper() override;

  /// Reads the keys for the first time, and then begins to look. Blocks. Once.
  caf::error begin(std::unique_ptr<access_records> records);

  /// As they were read last, without passwords; null before begin(). Any thread.
  std::shared_ptr<const access_rows> rows() const;

  /// Keys that are revoked here, and not yet in the store; null: none are. Any thread.
  std::shared_ptr<const access_revoked> revoked() const;
  /// What another node revoked. Any thread.
  void take_revoked(const access_revoked& x);

  /// Before begin() the answer is errc::restarting; errc::overloaded when too much waits.
  void ask(any_access_ask what, std::function<void(access_reply)> done) override;

private:
  struct job {
    any_access_ask what;
    std::function<void(access_reply)> done;
    std::string hash = {}; ///< Of the password that is to be stored, or that was right.
    std::chrono::steady_clock::time_point since = std::chrono::steady_clock::now();
  };
  /// Of one kind of thread.
  struct line {
    std::condition_variable wakes;
    std::deque<job> jobs;
  };

  caf::error look();
  void keep_revoked();
  void publish();
  access_key* find_key(const std::string& id);
  bool is_unstored(const std::string& id) const;
  bool mark_revoked(const std::string& id, int64_t at_us, bool is_certain);
  void forget_revoked(const std::string& id);
  caf::error store_revoked();
  std::optional<access_reply> answer_alone(const any_access_ask& what);
  std::optional<access_reply> begin_alone(const any_access_ask& what);
  access_reply revoke(const std::string& id, int64_t at_us);
  void note_used();
  void keep();
  void look_and_report();
  void hash_passwords();
  uint32_t wait_for_try(const access_ask::sign_in& x);
  access_reply run(job& x);
  access_reply or_alone(const job& of, access_reply x);
  void say_what_is_lost() const;
  access_reply run_session(job& x);
  access_reply note(const access_ask::note_used& x);
  access_reply after(caf::expected<bool> done, const char* otherwise);
  void judge(job& x);
  bool push(line& to, job& x, size_t most);

  model::access_gate& gate_;
  now_fn now_;
  std::function<void(const std::string&)> report_;
  std::unique_ptr<access_records> records_;
  access_rows rows_; ///< As they were read last, and what is revoked; under the mutex.
  int64_t revision_ = -1;
  int64_t read_on_day_ = 0;
  mutable std::mutex mutex_; ///< Guards what follows.
  bool in_trouble_ = false;  ///< The store could not be read.
  std::shared_ptr<const access_rows> told_;
  std::shared_ptr<const access_revoked> revoked_;
  line kept_;
  line hashed_;
  try_limits by_name_here_{5}; ///< From one network.
  try_limits by_name_{60};
  try_limits by_address_{20};
  bool begun_ = false;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

} // namespace footfall::app
