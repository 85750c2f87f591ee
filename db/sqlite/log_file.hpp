#pragma once

#include <memory>
#include <string>
#include <vector>

#include "db/sqlite/database.hpp"
#include "db/sqlite/log_block.hpp"

namespace footfall::sqlite {

/// The tables of log.db, as one connection sees them. One thread at a time;
/// throws `failure`.
class log_file {
public:
  struct extent {
    int64_t first = 0; ///< Oldest offset that is there; `next` when none is.
    int64_t next = 0;
    int64_t bytes = 0;
  };

  log_file(const std::string& file, bool read_only);

  /// Makes the tables when missing and a topic that begins so; a log that is there
  /// keeps its topic and partitions.
  void prepare(std::string& topic, uint32_t& partitions);
  std::vector<extent> extents(uint32_t partitions);

  void begin();
  void insert(uint32_t partition, const log_block& block);
  /// Deletes the oldest block of a partition when it ends at or below `below`.
  /// @returns its bytes, -1 when there is none; sets where the next one begins.
  int64_t drop_oldest(uint32_t partition, int64_t below, int64_t next, int64_t& first);
  void commit();
  connection& on() { return on_; }

  /// Reads blocks from the one that holds `from` on, until `enough` says so.
  template <class Enough>
  void read(uint32_t partition, int64_t from, Enough enough) {
    int64_t at = start_of(partition, from);
    if (at < 0)
      return;
    statement& rows = *select_;
    rows.bind(1, at).bind(2, position_key(0, partition + 1, 0));
    reset_at_end end{rows};
    while (rows.step()) {
      log_block block;
      take_row(partition, block);
      if (enough(std::move(block)))
        break;
    }
  }

private:
  int64_t start_of(uint32_t partition, int64_t from);
  void take_row(uint32_t partition, log_block& out);

  const std::string file_;
  connection on_;
  std::unique_ptr<statement> begin_, commit_, insert_, oldest_, delete_, put_end_;
  std::unique_ptr<statement> start_, select_;
};

} // namespace footfall::sqlite
