#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include <caf/expected.hpp>

#include "db/postgres/connection.hpp"

namespace footfall::postgres {

/// One generation of a log (docs/glossary.md): a row of core.topics.
struct generation {
  std::string topic; ///< Name that its progress is kept under.
  int32_t topic_no = 0;
  uint32_t number = 1;
};

/// The newest generation that this process has met. Any thread.
class known_generation {
public:
  known_generation(std::string log, generation now) : log_(std::move(log)), now_(std::move(now)) {}

  const std::string& log() const { return log_; }
  generation get() const {
    std::lock_guard guard{mutex_};
    return now_;
  }
  void set(generation x) {
    std::lock_guard guard{mutex_};
    now_ = std::move(x);
  }

private:
  const std::string log_;
  mutable std::mutex mutex_;
  generation now_;
};

/// The newest generation of `log`, which is made when there is none.
caf::expected<generation> register_log(connection& c, const std::string& log);

/// The newest generation of `log`, by one statement.
result read_generation(connection& c, const std::string& log, generation& out);

/// Begins the next one: partition i is at starts[i]. Owners of the last one are fenced.
caf::expected<uint32_t> begin_generation(connection& c, known_generation& now,
                                         const std::vector<int64_t>& starts,
                                         const std::string& log_id);

/// Folds what earlier generations left of a partition.
void fold_older(connection& c, const generation& now, const std::string& log, uint32_t partition);

} // namespace footfall::postgres
