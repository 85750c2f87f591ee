#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "db/postgres/connection.hpp"
#include "db/postgres/incarnations.hpp"

namespace footfall::postgres {

/// Work for a lane. Exactly one of `run` and `fail` answers the caller.
class job {
public:
  virtual ~job() = default;
  /// Works on a live connection. False: it broke before anything could have
  /// happened twice, and the lane may connect and run the job once more.
  virtual bool run(connection& c, bool last_try) = 0;
  virtual void fail(caf::error why) = 0;
  /// Takes over what `other` wants, so that both are one statement.
  virtual bool absorb(job&) { return false; }
  /// Of jobs that wait, the one that waits longest goes first; 0: before those that say
  /// something else, and in the order they came.
  virtual int64_t waits_since_us() const { return 0; }
};

/// A job of one function and one callback.
template <class T>
class call final : public job {
public:
  using work = std::function<caf::expected<T>(connection&)>;
  using reply = std::function<void(caf::expected<T>)>;
  /// @param again the work may be done twice, so a lost connection is retried once
  call(work f, reply done, bool again)
      : work_(std::move(f)), reply_(std::move(done)), again_(again) {}

  bool run(connection& c, bool last_try) override {
    auto out = work_(c);
    if (out)
      out = read_in(c.incarnation(), std::move(*out));
    if (!out && again_ && !last_try && !c.connected())
      return false;
    reply_(std::move(out));
    return true;
  }
  void fail(caf::error why) override { reply_(std::move(why)); }

private:
  work work_;
  reply reply_;
  bool again_;
};

/// A bounded queue of jobs that lanes take from. Any thread may push. A lane without a
/// connection could only fail what it takes, so it gets nothing while another one serves.
class job_queue {
public:
  explicit job_queue(size_t most) : most_(most) {}
  /// When full, answers the job with errc::overloaded on the calling thread.
  void push(std::unique_ptr<job> x, const char* name);
  /// Waits for a job; empty after `most`, once closed, or when it is left to other lanes.
  std::unique_ptr<job> pop(std::chrono::milliseconds most, bool connected);
  /// Takes a job back that could not be run. False: nobody else serves, so it must fail.
  bool give_back(std::unique_ptr<job>& x);
  /// A lane got a connection, or lost it.
  void serving(bool gained);
  /// Waits while others serve, at most so long. @returns whether they do and jobs wait.
  bool stand_by(std::chrono::milliseconds most);
  /// Refuses what comes and hands out what waits.
  std::deque<std::unique_ptr<job>> close();
  bool closed() const;
  /// Whether there ever was a job.
  bool was_used() const;

private:
  const size_t most_;
  mutable std::mutex mutex_;
  std::condition_variable ready_;
  std::condition_variable alone_; ///< Nobody serves.
  std::deque<std::unique_ptr<job>> jobs_;
  int serving_ = 0;
  bool used_ = false;
  bool closed_ = false;
};

/// When a lane has a connection.
enum class keep : uint8_t {
  when_used,      ///< From its first job on, and again for the next one after it broke.
  from_first_use, ///< From the first job of its queue on, whichever lane gets it.
  always
};

/// A thread with a connection of its own that works off a queue. An idle lane
/// that keeps connected, or that could not connect, looks after its connection, so that
/// `health` is true without traffic. One that always does also looks every few seconds
/// whether the store went back, with traffic or without.
class lane {
public:
  lane(job_queue& queue, std::string url, std::string session, const stop_signal& stop,
       incarnations& past, keep connected);
  void join() { thread_.join(); }
  /// Empty, or why the last attempt to connect failed.
  std::string health() const;

private:
  void loop();
  void work_on(std::unique_ptr<job> x);
  void look_after();
  bool ensure(caf::error& err);
  bool is_serving();
  bool keeps_connected() const;
  void look_again();

  job_queue& queue_;
  incarnations& past_;
  connection connection_;
  const keep keep_;
  std::chrono::steady_clock::time_point look_at_{};
  uint64_t entry_ = 0;  ///< The last one that it knows of.
  bool serves_ = false; ///< As the queue knows it.
  mutable std::mutex mutex_;
  std::string health_;
  std::thread thread_;
};

} // namespace footfall::postgres
