#pragma once

#include <functional>
#include <string>
#include <thread>

#include "db/sqlite/call_queue.hpp"
#include "db/sqlite/store_call.hpp"

namespace footfall::sqlite {

/// A thread that reads store.db, on a connection of its own: what waits for it shares a
/// snapshot, and waits for nothing else. Any thread may push.
class read_lane {
public:
  /// Makes the error of a failure, and notes it.
  using note = std::function<caf::error(const failure&)>;

  /// Throws `failure` when the file cannot be opened.
  read_lane(const std::string& file, const connection::options& how, const std::string& log,
            const late_counts& late, size_t calls_max, note failed);
  ~read_lane();

  /// A call that cannot wait is answered at once.
  void push(read_call call);
  /// Ends once what waits is answered.
  void close();

private:
  void loop();

  connection on_;
  store_reader reader_;
  call_queue<read_call> calls_;
  const note failed_;
  std::thread thread_;
};

} // namespace footfall::sqlite
