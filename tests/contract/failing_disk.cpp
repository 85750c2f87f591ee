#include "tests/contract/failing_disk.hpp"

#include <sqlite3.h>

namespace footfall::test {

namespace {

/// A file of ours; the real one stands behind it in the same allocation.
struct shim_file {
  sqlite3_file base;
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

sqlite3_file* real(sqlite3_file* x) {
  return reinterpret_cast<shim_file*>(x)->real();
}

bool write_fails() {
  if (failing_disk::is_full)
    return true;
  if (failing_disk::writes_until_full < 0)
    return false;
  if (failing_disk::writes_until_full > 0) {
    --failing_disk::writes_until_full;
    return false;
  }
  failing_disk::is_full = true;
  return true;
}

sqlite3_io_methods make_methods() {
  sqlite3_io_methods m{};
  m.iVersion = 2;
  m.xClose = [](sqlite3_file* x) { return real(x)->pMethods->xClose(real(x)); };
  m.xRead = [](sqlite3_file* x, void* to, int n, sqlite3_int64 at) {
    return real(x)->pMethods->xRead(real(x), to, n, at);
  };
  m.xWrite = [](sqlite3_file* x, const void* from, int n, sqlite3_int64 at) {
    return write_fails() ? SQLITE_FULL : real(x)->pMethods->xWrite(real(x), from, n, at);
  };
  m.xTruncate = [](sqlite3_file* x, sqlite3_int64 n) {
    return real(x)->pMethods->xTruncate(real(x), n);
  };
  m.xSync = [](sqlite3_file* x, int flags) {
    return failing_disk::sync_fails ? SQLITE_IOERR_FSYNC : real(x)->pMethods->xSync(real(x), flags);
  };
  m.xFileSize = [](sqlite3_file* x, sqlite3_int64* n) {
    return real(x)->pMethods->xFileSize(real(x), n);
  };
  m.xLock = [](sqlite3_file* x, int how) { return real(x)->pMethods->xLock(real(x), how); };
  m.xUnlock = [](sqlite3_file* x, int how) { return real(x)->pMethods->xUnlock(real(x), how); };
  m.xCheckReservedLock = [](sqlite3_file* x, int* out) {
    return real(x)->pMethods->xCheckReservedLock(real(x), out);
  };
  m.xFileControl = [](sqlite3_file* x, int what, void* with) {
    return real(x)->pMethods->xFileControl(real(x), what, with);
  };
  m.xSectorSize = [](sqlite3_file* x) { return real(x)->pMethods->xSectorSize(real(x)); };
  m.xDeviceCharacteristics = [](sqlite3_file* x) {
    return real(x)->pMethods->xDeviceCharacteristics(real(x));
  };
  m.xShmMap = [](sqlite3_file* x, int page, int size, int extend, void volatile** out) {
    return real(x)->pMethods->xShmMap(real(x), page, size, extend, out);
  };
  m.xShmLock = [](sqlite3_file* x, int at, int n, int flags) {
    return real(x)->pMethods->xShmLock(real(x), at, n, flags);
  };
  m.xShmBarrier = [](sqlite3_file* x) { real(x)->pMethods->xShmBarrier(real(x)); };
  m.xShmUnmap = [](sqlite3_file* x, int remove) {
    return real(x)->pMethods->xShmUnmap(real(x), remove);
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
  shim.szOsFile = static_cast<int>(sizeof(shim_file)) + below->szOsFile;
  shim.xOpen = open_shim;
  sqlite3_vfs_register(&shim, 1);
}

failing_disk::~failing_disk() {
  sqlite3_vfs_register(below, 1);
  sqlite3_vfs_unregister(&shim);
}

} // namespace footfall::test
