#include "db/sqlite/disk_file.hpp"

#include <algorithm>
#include <cstdlib>
#include <vector>

#include <sqlite3.h>

namespace footfall::sqlite {

namespace {

sqlite3_vfs* disk() {
  sqlite3_initialize();
  return sqlite3_vfs_find(nullptr);
}

std::string full_path(const std::string& path) {
  auto* on = disk();
  std::vector<char> out(static_cast<size_t>(on->mxPathname) + 1);
  // A link on the way is a warning.
  const int result = on->xFullPathname(on, path.c_str(), on->mxPathname, out.data()) & 0xff;
  if (result != SQLITE_OK)
    throw file_failure(result, path + ": not a path");
  return out.data();
}

// A super-journal is a plain file for SQLite, whose folder is synced with it.
constexpr int kind = SQLITE_OPEN_SUPER_JOURNAL;
/// SQLite asks for no more than a page, and its door takes less than 128 KiB.
constexpr size_t piece = 64 << 10;

} // namespace

void disk_file::close::operator()(sqlite3_file* x) const noexcept {
  if (x->pMethods)
    x->pMethods->xClose(x);
  std::free(x);
}

disk_file::disk_file(const std::string& path, int flags)
    : path_(std::make_unique<std::string>(full_path(path))) {
  auto* on = disk();
  auto* made = static_cast<sqlite3_file*>(std::calloc(1, static_cast<size_t>(on->szOsFile)));
  if (!made)
    throw file_failure(SQLITE_NOMEM, path + ": out of memory");
  handle_.reset(made);
  check(on->xOpen(on, path_->c_str(), made, kind | flags, nullptr), "open");
}

disk_file disk_file::make(const std::string& path) {
  return {path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_EXCLUSIVE};
}

disk_file disk_file::open(const std::string& path) {
  return {path, SQLITE_OPEN_READONLY};
}

void disk_file::remove(const std::string& path) {
  const auto full = full_path(path);
  const int result = disk()->xDelete(disk(), full.c_str(), 0);
  if (result != SQLITE_OK && result != SQLITE_IOERR_DELETE_NOENT)
    throw file_failure(result, full + ": cannot be removed");
}

void disk_file::check(int result, const char* doing) const {
  if (result != SQLITE_OK)
    throw file_failure(result, *path_ + ": " + doing + ": " + sqlite3_errstr(result));
}

void disk_file::write(int64_t at, std::string_view bytes) {
  for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
    const auto some = bytes.substr(0, piece);
    check(handle_->pMethods->xWrite(handle_.get(), some.data(), static_cast<int>(some.size()), at),
          "write");
    at += static_cast<int64_t>(some.size());
  }
}

void disk_file::read(int64_t at, char* to, size_t size) const {
  for (size_t done = 0; done < size; done += std::min(piece, size - done))
    check(handle_->pMethods->xRead(handle_.get(), to + done,
                                   static_cast<int>(std::min(piece, size - done)),
                                   at + static_cast<int64_t>(done)),
          "read");
}

int64_t disk_file::size() const {
  sqlite3_int64 out = 0;
  check(handle_->pMethods->xFileSize(handle_.get(), &out), "look at the size");
  return out;
}

void disk_file::sync() {
  check(handle_->pMethods->xSync(handle_.get(), SQLITE_SYNC_NORMAL), "sync");
}

} // namespace footfall::sqlite
