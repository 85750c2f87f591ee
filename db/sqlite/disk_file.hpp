#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "db/sqlite/database.hpp"

struct sqlite3_file;

namespace footfall::sqlite {

/// A failure of a file beside the databases: it says nothing of what they have on the disk.
class file_failure : public failure {
public:
  using failure::failure;
};

/// A file beside the databases, through SQLite's own door to the disk: what stands under them (in
/// tests a disk that forgets) stands under it too. One thread at a time; throws `file_failure`.
class disk_file {
public:
  /// Makes a file that is not there yet; its name is safe once it is synced.
  static disk_file make(const std::string& path);
  /// To read. Throws when it is missing, as for any other reason.
  static disk_file open(const std::string& path);
  /// Nothing when it is not there.
  static void remove(const std::string& path);

  disk_file(disk_file&&) = default;
  disk_file& operator=(disk_file&&) = default;

  void write(int64_t at, std::string_view bytes);
  /// Throws when there are fewer bytes.
  void read(int64_t at, char* to, size_t size) const;
  int64_t size() const;
  void sync();
  const std::string& path() const noexcept { return *path_; }

private:
  struct close {
    void operator()(sqlite3_file* x) const noexcept;
  };
  disk_file(const std::string& path, int flags);
  void check(int result, const char* doing) const;

  std::unique_ptr<std::string> path_; ///< SQLite keeps its address.
  std::unique_ptr<sqlite3_file, close> handle_;
};

} // namespace footfall::sqlite
