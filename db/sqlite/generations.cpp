#include "db/sqlite/generations.hpp"

#include <sqlite3.h>

#include "db/sqlite/position_key.hpp"

namespace footfall::sqlite {

generations::generations(connection& on, const std::string& log) : on_(on), log_(log) {
  on_.run("BEGIN IMMEDIATE");
  if (!read()) {
    // A topic of Kafka whose name looks like that of an embedded log.
    statement rename{on_, "UPDATE core_topics SET log = ?1, generation = 1 WHERE topic = ?1"};
    rename.bind_text(1, log_).run();
    if (on_.changes() == 0)
      add({log_, static_cast<uint32_t>(on_.value("SELECT count(*) FROM core_topics")), 1});
    read();
  }
  on_.run("COMMIT");
  committed();
}

bool generations::read() {
  statement get{on_, "SELECT topic, topic_no, generation FROM core_topics WHERE log = ?"
                     " ORDER BY generation DESC LIMIT 1"};
  get.bind_text(1, log_);
  if (!get.step())
    return false;
  current_ = {std::string{get.text(0)}, static_cast<uint32_t>(get.integer(1)),
              static_cast<uint32_t>(get.integer(2))};
  return true;
}

void generations::add(const entry& x) {
  if (x.topic_no >= topics_max)
    throw failure(SQLITE_MISUSE, "the store has had 32 logs, generations included, and can tell "
                                 "no more apart; begin a new one (--data-dir)");
  statement put{on_, "INSERT INTO core_topics (topic_no, topic, log, generation)"
                     " VALUES (?, ?, ?, ?)"};
  put.bind(1, x.topic_no).bind_text(2, x.topic).bind_text(3, log_).bind(4, x.number).run();
}

bool generations::begin(const std::vector<int64_t>& starts, const std::string& log_id) {
  const auto count = static_cast<uint32_t>(on_.value("SELECT count(*) FROM core_topics"));
  if (count >= topics_max)
    return false;
  const entry next{log_ + '#' + std::to_string(current_.number + 1), count, current_.number + 1};
  add(next);
  // Epochs go on counting, so that no batch of the last generation fits into this one.
  statement fence{on_, "UPDATE partition_progress SET epoch = epoch + 1 WHERE topic = ?"};
  fence.bind_text(1, current_.topic).run();
  statement put{on_, "INSERT INTO partition_progress (topic, part, epoch, next_offset, log_id)"
                     " VALUES (?1, ?2, coalesce((SELECT epoch FROM partition_progress"
                     " WHERE topic = ?3 AND part = ?2), 0), ?4, ?5)"};
  statement put_fold{on_, "INSERT INTO fold_progress VALUES (?, ?, ?)"};
  for (size_t i = 0; i < starts.size(); ++i) {
    const auto part = static_cast<int64_t>(i);
    put.bind_text(1, next.topic).bind(2, part).bind_text(3, current_.topic).bind(4, starts[i]);
    put.bind_text(5, log_id).run();
    put_fold.bind_text(1, next.topic).bind(2, part).bind(3, starts[i]).run();
  }
  current_ = next;
  return true;
}

} // namespace footfall::sqlite
