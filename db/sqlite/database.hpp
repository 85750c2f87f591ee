#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include <caf/error.hpp>

#include "proto/error.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace footfall::sqlite {

/// A call of SQLite that failed. Never leaves the adapters.
class failure : public std::runtime_error {
public:
  failure(int code, const std::string& text) : std::runtime_error(text), code_(code) {}
  int code() const noexcept { return code_; } ///< SQLite's extended result code.

private:
  int code_;
};

/// Our code of a result code; `otherwise` for what may pass by itself.
errc code_of(int result, errc otherwise) noexcept;

/// What a WAL grows to under load, and keeps: cut and grown again, each commit would wait for that.
inline constexpr int64_t wal_bytes_usual = int64_t{64} << 20;

struct close_connection {
  void operator()(sqlite3* x) const noexcept;
};
struct finalize_statement {
  void operator()(sqlite3_stmt* x) const noexcept;
};

/// One connection to one file; one thread at a time. Throws `failure`.
class connection {
public:
  struct options {
    bool read_only = false;
    int64_t application_id = 0; ///< Whose file it must be, unless it is new; 0: anybody's.
    int64_t cache_bytes = 2 << 20;
    int64_t mmap_bytes = 0;
    /// Each commit is synced; else only what a checkpoint has seen outlives a loss of power, and
    /// the file is then as it was after one of its commits.
    bool syncs_commits = true;
    int wal_pages = 20'000; ///< A commit makes a checkpoint when the WAL has so many; 0: never.
    int64_t wal_bytes_kept = int64_t{16} << 20; ///< The WAL file shrinks to this.
  };

  /// Opens or makes `file` in WAL mode. A file of another program is not changed.
  connection(const std::string& file, const options& how);

  void run(const char* sql);
  int64_t value(const char* sql);   ///< First column of the first row; 0 without a row.
  int64_t changes() const noexcept; ///< Rows that the last statement changed.
  void set_last_rowid(int64_t x) noexcept;
  int64_t last_rowid() const noexcept;
  /// Ends a transaction that failed. True when nothing of it can be in the file.
  bool roll_back() noexcept;
  struct copied {
    int pages = 0;            ///< Of the WAL, in all.
    bool is_complete = false; ///< All that was committed when it began.
  };
  /// Copies the WAL into the file as far as readers allow, without waiting; nothing when another
  /// connection does.
  copied checkpoint();
  /// Waits until all that was committed, by whatever connection, outlives a loss of power.
  void sync_wal();
  /// The same for what was copied into the file.
  void sync_file();
  /// Pages of the WAL after the last commit of this connection, when it makes no checkpoints.
  int wal_pages() const noexcept { return *wal_pages_; }
  /// Makes statements that run now, in whatever thread, fail soon.
  void interrupt() noexcept;
  sqlite3* get() const noexcept { return handle_.get(); }

private:
  void check_owner(const std::string& file, int64_t application_id);
  void sync(int which);

  std::unique_ptr<int> wal_pages_; ///< SQLite knows its address.
  std::unique_ptr<sqlite3, close_connection> handle_;
};

/// One prepared statement. Texts and blobs that are bound must outlive the step.
class statement {
public:
  statement(connection& on, const char* sql);

  statement& bind(int at, int64_t value);
  statement& bind_text(int at, std::string_view value);
  statement& bind_blob(int at, std::string_view value);
  statement& bind_null(int at);

  bool step(); ///< True: there is a row.
  void run();  ///< Steps to the end and resets.
  void reset() noexcept;

  int64_t integer(int column) const noexcept;
  std::string_view text(int column) const noexcept; ///< Valid until the next step.
  std::string_view blob(int column) const noexcept; ///< Valid until the next step.
  bool is_null(int column) const noexcept;

private:
  void check(int result);
  std::unique_ptr<sqlite3_stmt, finalize_statement> handle_;
};

/// Resets a statement at the end of a scope, however that ends.
class reset_at_end {
public:
  explicit reset_at_end(statement& x) noexcept : statement_(x) {}
  ~reset_at_end() { statement_.reset(); }
  reset_at_end(const reset_at_end&) = delete;
  reset_at_end& operator=(const reset_at_end&) = delete;

private:
  statement& statement_;
};

/// Keeps others from opening what we have open: locks `file` (made when missing)
/// until destroyed or until the process ends, however it ends.
class file_lock {
public:
  /// @returns nullptr when another holds it or it cannot be made; `why` says it.
  static std::unique_ptr<file_lock> take(const std::string& file, std::string& why);
  ~file_lock();

private:
  explicit file_lock(int handle) : handle_(handle) {}
  int handle_;
};

/// Random bytes from the system, as a version 4 UUID.
std::string random_uuid();

} // namespace footfall::sqlite
