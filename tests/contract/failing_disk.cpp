#include "tests/contract/failing_disk.hpp"

#include "tests/support/sqlite_shim.hpp"

namespace footfall::test {

namespace {

bool write_fails() {
  if (failing_disk::is_full)
    return true;
  if (failing_disk::writes_until_full < 0 || failing_disk::writes_until_full.fetch_sub(1) > 0)
    return false;
  failing_disk::is_full = true;
  return true;
}

sqlite3_io_methods make_methods() {
  auto m = forwarding_methods();
  m.xWrite = [](sqlite3_file* x, const void* from, int n, sqlite3_int64 at) {
    return write_fails() ? SQLITE_FULL : real(x)->pMethods->xWrite(real(x), from, n, at);
  };
  m.xSync = [](sqlite3_file* x, int flags) {
    return failing_disk::sync_fails ? SQLITE_IOERR_FSYNC : real(x)->pMethods->xSync(real(x), flags);
  };
  return m;
}

const sqlite3_io_methods methods = make_methods();
sqlite3_vfs* below = nullptr;
sqlite3_vfs shim{};

int open_shim(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out) {
  file->pMethods = nullptr;
  const int result = below->xOpen(below, name, real(file), flags, out);
  if (result == SQLITE_OK)
    file->pMethods = &methods;
  return result;
}

} // namespace

failing_disk::failing_disk() {
  is_full = false;
  sync_fails = false;
  writes_until_full = -1;
  sqlite3_initialize();
  below = sqlite3_vfs_find("unix");
  shim = *below;
  shim.pNext = nullptr;
  shim.zName = "failing-disk";
  shim.szOsFile = static_cast<int>(sizeof(shim_file<no_extra>)) + below->szOsFile;
  shim.xOpen = open_shim;
  sqlite3_vfs_register(&shim, 1);
}

failing_disk::~failing_disk() {
  sqlite3_vfs_register(below, 1);
  sqlite3_vfs_unregister(&shim);
}

} // namespace footfall::test
