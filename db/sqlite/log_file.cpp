#include "db/sqlite/log_file.hpp"

#include <sqlite3.h>

#include "db/sqlite/migrate.hpp"

namespace footfall::sqlite {

namespace {

connection::options options_of(bool read_only) {
  connection::options out;
  out.read_only = read_only;
  out.application_id = log_application_id;
  out.wal_pages = 0; // checkpointer makes them.
  out.wal_bytes_kept = wal_bytes_usual;
  return out;
}

std::unique_ptr<statement> make(connection& on, const char* sql) {
  return std::make_unique<statement>(on, sql);
}

} // namespace

log_file::log_file(const std::string& file, bool read_only)
    : file_(file), on_(file, options_of(read_only)) {
  if (!read_only)
    migrate(on_, file, log_application_id, sqlite_log_schema());
  begin_ = make(on_, "BEGIN IMMEDIATE");
  commit_ = make(on_, "COMMIT");
  insert_ = make(on_, "INSERT INTO blocks VALUES (?, ?, ?, ?)");
  oldest_ = make(on_, "SELECT id, count, length(bytes) FROM blocks WHERE id >= ? AND id < ?"
                      " ORDER BY id LIMIT 1");
  delete_ = make(on_, "DELETE FROM blocks WHERE id = ?");
  put_end_ = make(on_, "INSERT OR REPLACE INTO ends VALUES (?, ?)");
  start_ = make(on_, "SELECT id, count FROM blocks WHERE id >= ? AND id <= ? ORDER BY id DESC"
                     " LIMIT 1");
  select_ = make(on_, "SELECT id, count, time_us, bytes FROM blocks WHERE id >= ? AND id < ?"
                      " ORDER BY id");
}

void log_file::prepare(std::string& topic, uint32_t& partitions) {
  on_.run("BEGIN IMMEDIATE");
  statement put{on_, "INSERT OR IGNORE INTO meta VALUES (?, ?)"};
  // No two logs share a name: a store must not take a new one for the one it knows.
  const auto own_topic = topic + '-' + random_uuid();
  put.bind_text(1, "topic").bind_text(2, own_topic).run();
  put.bind_text(1, "partitions").bind(2, partitions).run();
  on_.run("COMMIT");
  statement get{on_, "SELECT value FROM meta WHERE name = 'topic'"};
  if (!get.step())
    throw failure(SQLITE_CORRUPT, file_ + " has no topic");
  topic = get.text(0);
  const int64_t count = on_.value("SELECT value FROM meta WHERE name = 'partitions'");
  if (count < 1 || count > partitions_max)
    throw failure(SQLITE_CORRUPT, file_ + " has an impossible number of partitions");
  partitions = static_cast<uint32_t>(count);
}

std::vector<log_file::extent> log_file::extents(uint32_t partitions) {
  std::vector<extent> out(partitions);
  for (statement rows{on_, "SELECT partition, next_offset FROM ends"}; rows.step();)
    if (rows.integer(0) >= 0 && rows.integer(0) < partitions)
      out[static_cast<size_t>(rows.integer(0))].next = rows.integer(1);
  for (auto& x : out)
    x.first = x.next;
  std::vector<bool> seen(partitions, false);
  for (statement rows{on_, "SELECT id, count, length(bytes) FROM blocks ORDER BY id"};
       rows.step();) {
    const auto partition = partition_of_key(rows.integer(0));
    const int64_t first = offset_of_key(rows.integer(0));
    if (partition >= partitions || rows.integer(1) < 1)
      throw failure(SQLITE_CORRUPT, file_ + " holds a block of a partition that it has not");
    auto& x = out[partition];
    if (!seen[partition])
      x.first = first;
    else if (x.next != first)
      throw failure(SQLITE_CORRUPT, file_ + " lacks records of partition "
                                        + std::to_string(partition) + " before offset "
                                        + std::to_string(first));
    seen[partition] = true;
    x.next = first + rows.integer(1);
    x.bytes += rows.integer(2);
  }
  return out;
}

void log_file::begin() {
  on_.roll_back();
  begin_->run();
}

void log_file::insert(uint32_t partition, const log_block& block) {
  insert_->bind(1, position_key(0, partition, block.first))
      .bind(2, static_cast<int64_t>(block.starts.size()))
      .bind(3, block.time_us)
      .bind_blob(4, block.bytes)
      .run();
}

int64_t log_file::drop_oldest(uint32_t partition, int64_t below, int64_t next, int64_t& first) {
  oldest_->bind(1, position_key(0, partition, 0)).bind(2, position_key(0, partition, below));
  if (!oldest_->step()) {
    oldest_->reset();
    return -1;
  }
  const int64_t id = oldest_->integer(0);
  const int64_t end = offset_of_key(id) + oldest_->integer(1);
  const int64_t bytes = oldest_->integer(2);
  oldest_->reset();
  if (end > below)
    return -1;
  delete_->bind(1, id).run();
  // With the last block its place would be forgotten.
  if (end == next)
    put_end_->bind(1, partition).bind(2, next).run();
  first = end;
  return bytes;
}

void log_file::commit() {
  commit_->run();
}

int64_t log_file::start_of(uint32_t partition, int64_t from) {
  start_->bind(1, position_key(0, partition, 0)).bind(2, position_key(0, partition, from));
  int64_t id = -1;
  if (start_->step() && offset_of_key(start_->integer(0)) + start_->integer(1) > from)
    id = start_->integer(0);
  start_->reset();
  return id;
}

void log_file::take_row(uint32_t partition, log_block& out) {
  const auto& row = *select_;
  const int64_t first = offset_of_key(row.integer(0));
  if (!read_block(partition, first, row.integer(1), row.integer(2), row.blob(3), out))
    throw failure(SQLITE_CORRUPT, file_ + ": the records of partition " + std::to_string(partition)
                                      + " from offset " + std::to_string(first)
                                      + " are damaged (checksum)");
}

} // namespace footfall::sqlite
