#include "db/sqlite/database.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

namespace footfall::sqlite {

namespace {

// Statistics of SQLite's allocator cost a mutex at each allocation.
void configure_once() {
  static const int result = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  static_cast<void>(result);
}

int note_wal_pages(void* to, sqlite3*, const char*, int pages) {
  *static_cast<int*>(to) = pages;
  return SQLITE_OK;
}

[[noreturn]] void fail(sqlite3* on, const std::string& what) {
  const int code = on ? sqlite3_extended_errcode(on) : SQLITE_NOMEM;
  throw failure(code, what + ": " + (on ? sqlite3_errmsg(on) : "out of memory"));
}

} // namespace

errc code_of(int result, errc otherwise) noexcept {
  switch (result & 0xff) {
  case SQLITE_FULL: return errc::disk_full;
  case SQLITE_CORRUPT:
  case SQLITE_NOTADB: return errc::corrupt;
  case SQLITE_INTERRUPT: return errc::shutting_down;
  default: return otherwise;
  }
}

void close_connection::operator()(sqlite3* x) const noexcept {
  sqlite3_close_v2(x);
}

void finalize_statement::operator()(sqlite3_stmt* x) const noexcept {
  sqlite3_finalize(x);
}

connection::connection(const std::string& file, const options& how)
    : wal_pages_(std::make_unique<int>(0)) {
  configure_once();
  sqlite3* raw = nullptr;
  const int flags =
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (how.read_only ? 0 : SQLITE_OPEN_CREATE);
  const int result = sqlite3_open_v2(file.c_str(), &raw, flags, nullptr);
  handle_.reset(raw);
  if (result != SQLITE_OK)
    fail(raw, "cannot open " + file);
  sqlite3_extended_result_codes(raw, 1);
  sqlite3_busy_timeout(raw, 5'000);
  if (how.application_id != 0)
    check_owner(file, how.application_id);
  run("PRAGMA journal_mode=WAL");
  run(how.syncs_commits ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
  run("PRAGMA temp_store=MEMORY");
  run(("PRAGMA cache_size=-" + std::to_string(how.cache_bytes >> 10)).c_str());
  run(("PRAGMA mmap_size=" + std::to_string(how.mmap_bytes)).c_str());
  if (how.wal_pages > 0)
    run(("PRAGMA wal_autocheckpoint=" + std::to_string(how.wal_pages)).c_str());
  else
    sqlite3_wal_hook(raw, note_wal_pages, wal_pages_.get());
  run(("PRAGMA journal_size_limit=" + std::to_string(how.wal_bytes_kept)).c_str());
  if (how.read_only)
    run("PRAGMA query_only=1");
}

void connection::check_owner(const std::string& file, int64_t application_id) {
  const int64_t owner = value("PRAGMA application_id");
  const bool is_new = owner == 0 && value("PRAGMA user_version") == 0
                      && value("SELECT count(*) FROM sqlite_schema") == 0;
  if (!is_new && owner != application_id)
    throw failure(SQLITE_NOTADB, file + " is a database of another program");
}

void connection::run(const char* sql) {
  if (sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK)
    fail(handle_.get(), sql);
}

int64_t connection::value(const char* sql) {
  statement x{*this, sql};
  return x.step() ? x.integer(0) : 0;
}

int64_t connection::changes() const noexcept {
  return sqlite3_changes64(handle_.get());
}

void connection::set_last_rowid(int64_t x) noexcept {
  sqlite3_set_last_insert_rowid(handle_.get(), x);
}

int64_t connection::last_rowid() const noexcept {
  return sqlite3_last_insert_rowid(handle_.get());
}

bool connection::roll_back() noexcept {
  if (sqlite3_get_autocommit(handle_.get()) == 0)
    sqlite3_exec(handle_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
  return sqlite3_get_autocommit(handle_.get()) != 0;
}

connection::copied connection::checkpoint() {
  int all = 0, done = 0;
  const int result =
      sqlite3_wal_checkpoint_v2(handle_.get(), nullptr, SQLITE_CHECKPOINT_PASSIVE, &all, &done);
  if (result == SQLITE_BUSY || result == SQLITE_LOCKED)
    return {};
  if (result != SQLITE_OK)
    fail(handle_.get(), "cannot copy the write-ahead log");
  return {done, done == all};
}

void connection::sync(int which) {
  sqlite3_file* file = nullptr;
  int result = sqlite3_file_control(handle_.get(), "main", which, &file);
  if (result == SQLITE_OK && file && file->pMethods)
    result = file->pMethods->xSync(file, SQLITE_SYNC_NORMAL);
  if (result != SQLITE_OK)
    throw failure(result, std::string{"cannot sync: "} + sqlite3_errstr(result));
}

void connection::sync_wal() {
  sync(SQLITE_FCNTL_JOURNAL_POINTER);
}

void connection::sync_file() {
  sync(SQLITE_FCNTL_FILE_POINTER);
}

void connection::interrupt() noexcept {
  sqlite3_interrupt(handle_.get());
}

statement::statement(connection& on, const char* sql) {
  sqlite3_stmt* raw = nullptr;
  const int result =
      sqlite3_prepare_v3(on.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
  handle_.reset(raw);
  if (result != SQLITE_OK)
    fail(on.get(), sql);
}

void statement::check(int result) {
  if (result != SQLITE_OK)
    fail(sqlite3_db_handle(handle_.get()), sqlite3_sql(handle_.get()));
}

statement& statement::bind(int at, int64_t value) {
  check(sqlite3_bind_int64(handle_.get(), at, value));
  return *this;
}

statement& statement::bind_text(int at, std::string_view value) {
  check(sqlite3_bind_text(handle_.get(), at, value.data() ? value.data() : "",
                          static_cast<int>(value.size()), SQLITE_STATIC));
  return *this;
}

statement& statement::bind_blob(int at, std::string_view value) {
  check(sqlite3_bind_blob(handle_.get(), at, value.data() ? value.data() : "",
                          static_cast<int>(value.size()), SQLITE_STATIC));
  return *this;
}

statement& statement::bind_null(int at) {
  check(sqlite3_bind_null(handle_.get(), at));
  return *this;
}

bool statement::step() {
  const int result = sqlite3_step(handle_.get());
  if (result == SQLITE_ROW)
    return true;
  if (result == SQLITE_DONE)
    return false;
  auto* on = sqlite3_db_handle(handle_.get());
  failure error{sqlite3_extended_errcode(on),
                std::string{sqlite3_sql(handle_.get())} + ": " + sqlite3_errmsg(on)};
  reset();
  throw error;
}

void statement::run() {
  while (step()) {
  }
  reset();
}

void statement::reset() noexcept {
  sqlite3_reset(handle_.get());
}

int64_t statement::integer(int column) const noexcept {
  return sqlite3_column_int64(handle_.get(), column);
}

std::string_view statement::text(int column) const noexcept {
  const auto* at = sqlite3_column_text(handle_.get(), column);
  const auto size = static_cast<size_t>(sqlite3_column_bytes(handle_.get(), column));
  return at ? std::string_view{reinterpret_cast<const char*>(at), size} : std::string_view{};
}

std::string_view statement::blob(int column) const noexcept {
  const auto* at = sqlite3_column_blob(handle_.get(), column);
  const auto size = static_cast<size_t>(sqlite3_column_bytes(handle_.get(), column));
  return at ? std::string_view{static_cast<const char*>(at), size} : std::string_view{};
}

bool statement::is_null(int column) const noexcept {
  return sqlite3_column_type(handle_.get(), column) == SQLITE_NULL;
}

std::unique_ptr<file_lock> file_lock::take(const std::string& file, std::string& why) {
  const int handle = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (handle < 0) {
    why = "cannot open " + file + ": " + std::strerror(errno);
    return nullptr;
  }
  if (::flock(handle, LOCK_EX | LOCK_NB) == 0)
    return std::unique_ptr<file_lock>(new file_lock(handle));
  why = errno == EWOULDBLOCK ? file + " is locked: the data is in use by another process"
                             : "cannot lock " + file + ": " + std::strerror(errno);
  ::close(handle);
  return nullptr;
}

file_lock::~file_lock() {
  ::close(handle_);
}

std::string random_uuid() {
  unsigned char bytes[16];
  if (::getrandom(bytes, sizeof bytes, 0) != static_cast<ssize_t>(sizeof bytes))
    throw failure(SQLITE_IOERR, "the system gives no random bytes");
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3f) | 0x80);
  constexpr char hex[] = "0123456789abcdef";
  std::string out;
  for (size_t i = 0; i < sizeof bytes; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10)
      out += '-';
    out += hex[bytes[i] >> 4];
    out += hex[bytes[i] & 15];
  }
  return out;
}

} // namespace footfall::sqlite
