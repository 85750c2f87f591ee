#pragma once

#include <sqlite3.h>

/// What stands between SQLite and its files in tests: every call goes on to the real one,
/// but for those that a test takes over.
namespace footfall::test {

/// A file of ours; the real one stands behind it in the same allocation.
template <class Extra>
struct shim_file {
  sqlite3_file base;
  Extra* extra; ///< Owned by the test's disk.
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

struct no_extra {};

template <class Extra = no_extra>
shim_file<Extra>& shim_of(sqlite3_file* x) {
  return *reinterpret_cast<shim_file<Extra>*>(x);
}

template <class Extra = no_extra>
sqlite3_file* real(sqlite3_file* x) {
  return shim_of<Extra>(x).real();
}

/// All calls of a file, given on. Version 2: with shared memory, without mapped files.
template <class Extra = no_extra>
sqlite3_io_methods forwarding_methods() {
  sqlite3_io_methods m{};
  m.iVersion = 2;
  m.xClose = [](sqlite3_file* x) { return real<Extra>(x)->pMethods->xClose(real<Extra>(x)); };
  m.xRead = [](sqlite3_file* x, void* to, int n, sqlite3_int64 at) {
    return real<Extra>(x)->pMethods->xRead(real<Extra>(x), to, n, at);
  };
  m.xWrite = [](sqlite3_file* x, const void* from, int n, sqlite3_int64 at) {
    return real<Extra>(x)->pMethods->xWrite(real<Extra>(x), from, n, at);
  };
  m.xTruncate = [](sqlite3_file* x, sqlite3_int64 n) {
    return real<Extra>(x)->pMethods->xTruncate(real<Extra>(x), n);
  };
  m.xSync = [](sqlite3_file* x, int flags) {
    return real<Extra>(x)->pMethods->xSync(real<Extra>(x), flags);
  };
  m.xFileSize = [](sqlite3_file* x, sqlite3_int64* n) {
    return real<Extra>(x)->pMethods->xFileSize(real<Extra>(x), n);
  };
  m.xLock = [](sqlite3_file* x, int how) {
    return real<Extra>(x)->pMethods->xLock(real<Extra>(x), how);
  };
  m.xUnlock = [](sqlite3_file* x, int how) {
    return real<Extra>(x)->pMethods->xUnlock(real<Extra>(x), how);
  };
  m.xCheckReservedLock = [](sqlite3_file* x, int* out) {
    return real<Extra>(x)->pMethods->xCheckReservedLock(real<Extra>(x), out);
  };
  m.xFileControl = [](sqlite3_file* x, int what, void* with) {
    return real<Extra>(x)->pMethods->xFileControl(real<Extra>(x), what, with);
  };
  m.xSectorSize = [](sqlite3_file* x) {
    return real<Extra>(x)->pMethods->xSectorSize(real<Extra>(x));
  };
  m.xDeviceCharacteristics = [](sqlite3_file* x) {
    return real<Extra>(x)->pMethods->xDeviceCharacteristics(real<Extra>(x));
  };
  m.xShmMap = [](sqlite3_file* x, int page, int size, int extend, void volatile** out) {
    return real<Extra>(x)->pMethods->xShmMap(real<Extra>(x), page, size, extend, out);
  };
  m.xShmLock = [](sqlite3_file* x, int at, int n, int flags) {
    return real<Extra>(x)->pMethods->xShmLock(real<Extra>(x), at, n, flags);
  };
  m.xShmBarrier = [](sqlite3_file* x) { real<Extra>(x)->pMethods->xShmBarrier(real<Extra>(x)); };
  m.xShmUnmap = [](sqlite3_file* x, int remove) {
    return real<Extra>(x)->pMethods->xShmUnmap(real<Extra>(x), remove);
  };
  return m;
}

} // namespace footfall::test
