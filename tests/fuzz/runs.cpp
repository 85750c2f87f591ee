/// Files that stand where a run of the embedded store should: whole, or refused with a reason;
/// never read past their end, and asked without end. Checksums are put right, or few would get
/// further.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "db/sqlite/hash_run.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace footfall;
using namespace footfall::fuzz;
using namespace footfall::sqlite;

namespace {

constexpr size_t block = hash_run::block_bytes;
constexpr size_t fields = 112;    ///< Of a header, that come from the input.
constexpr size_t entries_at = 80; ///< Then the checksums of the filter and of the firsts.
const run_name name{"11111111-2222-4333-8444-555555555555", "ids", 7};

void put(std::string& to, size_t at, uint64_t x) {
  to.replace(at, sizeof x, reinterpret_cast<const char*>(&x), sizeof x);
}
uint64_t get(const std::string& from, size_t at) {
  uint64_t x = 0;
  from.copy(reinterpret_cast<char*>(&x), sizeof x, at);
  return x;
}
uint64_t sum(const std::string& of, size_t at, size_t size) {
  return XXH3_64bits(of.data() + at, size);
}

/// The input, with checksums as they should be. @returns that of the header.
uint64_t put_sums_right(std::string& file) {
  const auto entries = get(file, entries_at);
  const auto blocks = entries / hash_run::entries_of_block + 1;
  for (uint64_t i = 1; i <= blocks && (i + 1) * block <= file.size(); ++i)
    put(file, (i + 1) * block - 8, sum(file, i * block, block - 8));
  const auto used = entries == 0 ? 0 : (entries - 1) / hash_run::entries_of_block + 1;
  const auto at = (1 + used) * block;
  const auto filter = (entries / 16 + 1) * 32;
  if (entries < (1u << 20) && at + filter + used * 8 <= file.size()) {
    put(file, entries_at + 8, sum(file, at, filter));
    put(file, entries_at + 16, sum(file, at + filter, used * 8));
  }
  const auto out = sum(file, 0, block - 8);
  put(file, block - 8, out);
  return out;
}

const std::string& folder() {
  // Never destroyed: it is needed when the process ends.
  static const auto& path = *new std::string([] {
    auto out =
        std::filesystem::temp_directory_path() / ("footfall-fuzz-" + std::to_string(getpid()));
    std::filesystem::create_directories(out);
    std::atexit([] { std::filesystem::remove_all(folder()); });
    return out.string();
  }());
  return path;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string file{text_of(data, std::min(size, fields))};
  file.resize(block);
  if (size > fields)
    file += text_of(data + fields, size - fields);
  const auto checksum = put_sums_right(file);
  const auto path = folder() + "/" + name.file();
  std::ofstream(path, std::ios::binary | std::ios::trunc) << file;
  try {
    const hash_run run{folder(), name, checksum};
    uint64_t seen = 0;
    std::vector<int64_t> rows;
    for (hash_run::cursor at{run}; !at.is_at_end(); at.next(), ++seen) {
      run.may_have((*at).hash);
      rows.clear();
      run.find((*at).hash, rows);
      require(rows.size() <= run.entries(), "no more rows than entries");
    }
    require(seen == run.entries(), "as many entries as it says");
  } catch (const damaged_run& error) {
    require(std::string{error.what()}.find(": ") != std::string::npos, "a reason", error.what());
  }
  return 0;
}
