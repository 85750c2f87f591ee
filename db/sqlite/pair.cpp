#include "db/sqlite/pair.hpp"

#include <chrono>
#include <memory>
#include <thread>

#include <sqlite3.h>

#include "db/sqlite/log_file.hpp"
#include "db/sqlite/migrate.hpp"

namespace footfall {

namespace {

using namespace sqlite;

constexpr int snapshots_most = 50;

connection::options reading(int64_t application_id) {
  connection::options out;
  out.read_only = true;
  out.application_id = application_id;
  return out;
}

/// Both files, each in one snapshot while the object lives.
class open_pair {
public:
  explicit open_pair(const std::string& folder)
      : store_(folder + "/store.db", reading(store_application_id)),
        log_(folder + "/log.db", true) {
    // The log second: it has all that the store had applied.
    store_.run("BEGIN");
    read_store();
    log_.on().run("BEGIN");
    read_log();
  }

  const sqlite_pair& found() const { return found_; }
  connection& store() { return store_; }
  log_file& log() { return log_; }

  /// Why the two do not belong together; empty when they do.
  std::string fault() const {
    for (const auto& x : log_ids_)
      if (!x.empty() && x != found_.log_id)
        return "store.db was applied from another log (" + x + ") than log.db is (" + found_.log_id
               + ")";
    for (size_t i = 0; i < found_.parts.size(); ++i) {
      const auto& x = found_.parts[i];
      if (x.next > x.end || x.next < x.first)
        return "partition " + std::to_string(i) + " is applied below offset "
               + std::to_string(x.next) + ", and log.db has offsets " + std::to_string(x.first)
               + " to " + std::to_string(x.end - 1)
               + ": the two were not copied at one moment, or one lacks its -wal file";
    }
    return {};
  }

private:
  void read_store() {
    statement id{store_, "SELECT value FROM core_meta WHERE name = 'identity'"};
    if (id.step())
      found_.store_id = id.text(0);
    statement rows{store_, "SELECT part, next_offset, log_id FROM partition_progress"
                           " WHERE topic = (SELECT topic FROM core_topics WHERE log = 'embedded'"
                           " ORDER BY generation DESC LIMIT 1)"};
    while (rows.step()) {
      const auto part = static_cast<size_t>(rows.integer(0));
      found_.parts.resize(std::max(found_.parts.size(), part + 1));
      found_.parts[part].next = rows.integer(1);
      log_ids_.emplace_back(rows.text(2));
    }
  }

  void read_log() {
    statement topic{log_.on(), "SELECT value FROM meta WHERE name = 'topic'"};
    if (topic.step())
      found_.log_id = "log=" + std::string{topic.text(0)};
    const auto partitions =
        static_cast<size_t>(log_.on().value("SELECT value FROM meta WHERE name = 'partitions'"));
    found_.parts.resize(std::max(found_.parts.size(), partitions));
    const auto extents = log_.extents(static_cast<uint32_t>(partitions));
    for (size_t i = 0; i < extents.size(); ++i) {
      found_.parts[i].first = extents[i].first;
      found_.parts[i].end = extents[i].next;
    }
  }

  connection store_;
  log_file log_;
  sqlite_pair found_;
  std::vector<std::string> log_ids_;
};

/// The snapshot that `from` has open, as a file of its own.
void copy(connection& from, const std::string& file) {
  sqlite3* raw = nullptr;
  const int opened =
      sqlite3_open_v2(file.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  std::unique_ptr<sqlite3, close_connection> to{raw};
  if (opened != SQLITE_OK)
    throw failure(opened, "cannot make " + file);
  auto* work = sqlite3_backup_init(to.get(), "main", from.get(), "main");
  if (!work)
    throw failure(sqlite3_extended_errcode(to.get()),
                  "cannot copy to " + file + ": " + sqlite3_errmsg(to.get()));
  const int stepped = sqlite3_backup_step(work, -1);
  const int finished = sqlite3_backup_finish(work);
  if (stepped != SQLITE_DONE || finished != SQLITE_OK)
    throw failure(finished, "cannot copy to " + file + ": " + sqlite3_errmsg(to.get()));
}

void check_pages(connection& on, const std::string& file) {
  statement check{on, "PRAGMA integrity_check(1)"};
  if (!check.step() || check.text(0) != "ok")
    throw failure(SQLITE_CORRUPT, file + " is damaged: " + std::string{check.text(0)});
}

/// Every record's checksum.
void check_blocks(log_file& log, const sqlite_pair& found) {
  for (size_t i = 0; i < found.parts.size(); ++i)
    if (const auto& x = found.parts[i]; x.first < x.end)
      log.read(static_cast<uint32_t>(i), x.first, [](const log_block&) { return false; });
}

template <class T, class Work>
caf::expected<T> with_errors(const std::string& folder, Work work) {
  try {
    return work();
  } catch (const failure& error) {
    std::string text = error.what();
    if (text.find(folder) == std::string::npos)
      text = folder + ": " + text;
    return make_error(code_of(error.code(), errc::store_unavailable), text);
  }
}

} // namespace

caf::expected<sqlite_pair> copy_sqlite_pair(const std::string& from, const std::string& to) {
  return with_errors<sqlite_pair>(from, [&]() -> caf::expected<sqlite_pair> {
    std::string fault;
    for (int i = 0; i < snapshots_most; ++i) {
      open_pair pair{from};
      fault = pair.fault();
      if (fault.empty()) {
        copy(pair.store(), to + "/store.db");
        copy(pair.log().on(), to + "/log.db");
        return pair.found();
      }
      // Records may have been applied and dropped between the two snapshots.
      std::this_thread::sleep_for(std::chrono::milliseconds{20});
    }
    return make_error(errc::corrupt, from + ": " + fault);
  });
}

caf::expected<sqlite_pair> check_sqlite_pair(const std::string& folder) {
  return with_errors<sqlite_pair>(folder, [&]() -> caf::expected<sqlite_pair> {
    open_pair pair{folder};
    check_pages(pair.store(), folder + "/store.db");
    check_pages(pair.log().on(), folder + "/log.db");
    check_blocks(pair.log(), pair.found());
    if (auto fault = pair.fault(); !fault.empty())
      return make_error(errc::corrupt, folder + ": " + fault);
    return pair.found();
  });
}

caf::error renew_store_identity(const std::string& folder) {
  auto done = with_errors<bool>(folder, [&]() -> caf::expected<bool> {
    connection::options how;
    how.application_id = store_application_id;
    connection on{folder + "/store.db", how};
    statement put{on, "UPDATE core_meta SET value = ? WHERE name = 'identity'"};
    const auto made = random_uuid();
    put.bind_text(1, made).run();
    on.run("PRAGMA wal_checkpoint(TRUNCATE)");
    return true;
  });
  return done ? caf::error{} : std::move(done.error());
}

} // namespace footfall
