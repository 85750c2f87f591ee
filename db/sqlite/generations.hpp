#pragma once

#include <string>
#include <vector>

#include "db/sqlite/database.hpp"

namespace footfall::sqlite {

/// The generations of one log (docs/glossary.md): rows of core_topics. One thread; throws
/// `failure`.
class generations {
public:
  struct entry {
    std::string topic; ///< Name that its progress is kept under.
    uint32_t topic_no = 0;
    uint32_t number = 1;
  };

  /// The newest generation of `log`, which is made when there is none.
  generations(connection& on, const std::string& log);

  const entry& current() const { return current_; }
  /// Begins the next one: partition i is at starts[i]. Owners of the last one are fenced.
  /// False when there is no room for one more; nothing changed then.
  bool begin(const std::vector<int64_t>& starts, const std::string& log_id);
  void committed() { committed_ = current_; }
  void rolled_back() { current_ = committed_; }

private:
  bool read();
  void add(const entry& x);

  connection& on_;
  const std::string log_;
  entry current_;
  entry committed_;
};

} // namespace footfall::sqlite
