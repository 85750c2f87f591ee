#include "tests/support/forgetful_disk.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <optional>
#include <random>
#include <stdexcept>
#include <utility>
#include <vector>

#include "tests/support/sqlite_shim.hpp"

namespace footfall::test {

namespace {

constexpr size_t sector = 512;

struct change {
  size_t at = 0;
  std::string bytes;
  bool truncates = false; ///< To `at` bytes.
};

struct disk_file {
  std::string name;
  std::string synced;                 ///< What a cut leaves for certain.
  bool is_there = false;              ///< Its name is safe.
  std::vector<change> unsynced;       ///< In the order in which they were made.
  std::optional<std::string> removed; ///< A file of the name that a cut may bring back.
};

void apply(std::string& to, const change& x, size_t from, size_t until) {
  if (x.truncates)
    return to.resize(x.at);
  if (to.size() < x.at + until)
    to.resize(x.at + until);
  std::copy(x.bytes.begin() + static_cast<std::ptrdiff_t>(from),
            x.bytes.begin() + static_cast<std::ptrdiff_t>(until),
            to.begin() + static_cast<std::ptrdiff_t>(x.at + from));
}

} // namespace

struct forgetful_disk::impl {
  std::string folder; ///< With its last slash.
  std::mt19937_64 random;
  std::recursive_mutex
      mutex; ///< Guards all below; held while `cut` runs, which may ask for the next one.
  std::map<std::string, disk_file> files;
  uint64_t left = 0; ///< Changes until the cut; 0: none is wanted.
  std::string of;    ///< Of the files that begin so.
  std::function<void(image)> cut;
  uint64_t synced = 0;

  disk_file* opened(const char* path);
  void before_change(const disk_file& x);
  image after_cut();
  std::string left_of(const disk_file& x, uint64_t how);
  void sync(disk_file& x);
};

namespace {

forgetful_disk::impl* disk = nullptr;
sqlite3_vfs* below = nullptr;
sqlite3_vfs shim{};

using file = shim_file<disk_file>;

template <class Change>
void record(sqlite3_file* x, Change make) {
  auto* of = shim_of<disk_file>(x).extra;
  if (!of || !disk)
    return;
  std::lock_guard guard(disk->mutex);
  disk->before_change(*of);
  make(*of);
}

sqlite3_io_methods make_methods() {
  auto m = forwarding_methods<disk_file>();
  m.xWrite = [](sqlite3_file* x, const void* from, int n, sqlite3_int64 at) {
    record(x, [&](disk_file& of) {
      const std::string bytes(static_cast<const char*>(from), static_cast<size_t>(n));
      of.unsynced.push_back({static_cast<size_t>(at), bytes, false});
    });
    auto* to = real<disk_file>(x);
    return to->pMethods->xWrite(to, from, n, at);
  };
  m.xTruncate = [](sqlite3_file* x, sqlite3_int64 n) {
    record(x, [&](disk_file& of) { of.unsynced.push_back({static_cast<size_t>(n), {}, true}); });
    auto* to = real<disk_file>(x);
    return to->pMethods->xTruncate(to, n);
  };
  m.xSync = [](sqlite3_file* x, int) {
    record(x, [](disk_file& of) { disk->sync(of); });
    return SQLITE_OK; // What stands behind loses no power.
  };
  return m;
}

const sqlite3_io_methods methods = make_methods();

int open_file(sqlite3_vfs*, const char* name, sqlite3_file* to, int flags, int* out) {
  to->pMethods = nullptr;
  auto& mine = shim_of<disk_file>(to);
  mine.extra = disk ? disk->opened(name) : nullptr;
  const int result = below->xOpen(below, name, mine.real(), flags, out);
  if (result == SQLITE_OK)
    to->pMethods = &methods;
  return result;
}

int remove_file(sqlite3_vfs*, const char* name, int sync_folder) {
  if (auto* of = disk ? disk->opened(name) : nullptr) {
    std::lock_guard guard(disk->mutex);
    disk->before_change(*of);
    if (of->is_there && sync_folder == 0)
      of->removed = std::move(of->synced);
    of->synced.clear();
    of->is_there = false;
    of->unsynced.clear();
  }
  return below->xDelete(below, name, sync_folder);
}

} // namespace

disk_file* forgetful_disk::impl::opened(const char* path) {
  const std::string name = path ? path : "";
  if (name.rfind(folder, 0) != 0)
    return nullptr;
  std::lock_guard guard(mutex);
  auto& out = files[name.substr(folder.size())];
  out.name = name.substr(folder.size());
  return &out;
}

void forgetful_disk::impl::before_change(const disk_file& x) {
  if (left == 0 || x.name.rfind(of, 0) != 0 || --left > 0)
    return;
  const auto tell = std::exchange(cut, {}); // It may ask for the next one.
  tell(after_cut());
}

void forgetful_disk::impl::sync(disk_file& x) {
  ++synced;
  for (const auto& change : x.unsynced)
    apply(x.synced, change, 0, change.bytes.size());
  x.unsynced.clear();
  if (x.is_there)
    return;
  x.is_there = true;
  for (auto& [name, other] : files) // The folder was synced with the new name.
    other.removed.reset();
}

/// Nothing of what was not synced (0), all (1), or what chance leaves (2, 3).
std::string forgetful_disk::impl::left_of(const disk_file& x, uint64_t how) {
  auto out = x.synced;
  for (const auto& change : x.unsynced) {
    if (how == 0)
      break;
    const auto size = change.bytes.size();
    if (how == 1 || (change.truncates && random() % 2 == 0))
      apply(out, change, 0, size);
    else if (!change.truncates)
      for (size_t at = 0; at < size; at += sector)
        if (random() % 2 == 0)
          apply(out, change, at, std::min(at + sector, size));
  }
  return out;
}

forgetful_disk::image forgetful_disk::impl::after_cut() {
  image out;
  const auto how = random() % 4;
  for (const auto& [name, x] : files) {
    const bool may_be_there = !x.unsynced.empty() && how != 0;
    if (x.is_there || may_be_there)
      out[name] = left_of(x, how);
    else if (x.removed && random() % 2 == 0)
      out[name] = *x.removed;
  }
  return out;
}

forgetful_disk::forgetful_disk(std::string folder, uint64_t seed)
    : impl_(std::make_unique<impl>()) {
  impl_->folder = std::filesystem::canonical(folder).string() + "/";
  impl_->random.seed(seed);
  sqlite3_initialize();
  below = sqlite3_vfs_find("unix");
  shim = *below;
  shim.pNext = nullptr;
  shim.zName = "forgetful-disk";
  shim.szOsFile = static_cast<int>(sizeof(file)) + below->szOsFile;
  shim.xOpen = open_file;
  shim.xDelete = remove_file;
  sqlite3_vfs_register(&shim, 1);
  disk = impl_.get();
}

forgetful_disk::~forgetful_disk() {
  disk = nullptr;
  sqlite3_vfs_register(below, 1);
  sqlite3_vfs_unregister(&shim);
}

void forgetful_disk::cut_after(uint64_t changes, std::string of, std::function<void(image)> cut) {
  std::lock_guard guard(impl_->mutex);
  impl_->cut = std::move(cut);
  impl_->of = std::move(of);
  impl_->left = changes;
}

uint64_t forgetful_disk::syncs() const {
  std::lock_guard guard(impl_->mutex);
  return impl_->synced;
}

void forgetful_disk::write_out(const image& from, const std::string& folder) {
  for (const auto& [name, bytes] : from) {
    std::ofstream out(folder + "/" + name, std::ios::binary);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (!out.flush())
      throw std::runtime_error("cannot write " + name);
  }
}

} // namespace footfall::test
