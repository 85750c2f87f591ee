#include "db/sqlite/hash_run.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstring>
#include <filesystem>

#define XXH_INLINE_ALL
#include <sqlite3.h>
#include <xxhash.h>

/// All numbers are little-endian. The file:
///   header   4096 bytes, see header_fields; the checksum is its last 8
///   blocks   ceil(entries / 255) times 4096: entries of 16 bytes (hash, row), the rest zero;
///            at 4080 the number of the block, its last 8 bytes a checksum of all before
///   filter   32 bytes each
///   firsts   8 bytes for each block
namespace footfall::sqlite {

static_assert(std::endian::native == std::endian::little);
static_assert(sizeof(hash_entry) == 16);

namespace {

constexpr size_t block_bytes = hash_run::block_bytes;
constexpr size_t entries_of_block = hash_run::entries_of_block;
constexpr char magic[16] = "footfall run 01";
constexpr size_t words_of_filter_block = 4;
constexpr int64_t bytes_of_sync = int64_t{16} << 20;

struct header_fields {
  char magic[16];
  char store[40];
  char of[16];
  uint64_t number;
  uint64_t entries;
  uint64_t filter_checksum;
  uint64_t firsts_checksum;
};

uint64_t checksum_of(const void* bytes, size_t size) noexcept {
  return XXH3_64bits(bytes, size);
}
uint64_t checksum_of(const std::vector<uint64_t>& x) noexcept {
  return checksum_of(x.data(), x.size() * sizeof x[0]);
}

uint64_t blocks_of(uint64_t entries) noexcept {
  return (entries + entries_of_block - 1) / entries_of_block;
}
/// 16 bits an entry: blocks of 256 bits.
uint64_t filter_blocks_of(uint64_t entries) noexcept {
  return entries / 16 + 1;
}
int64_t bytes_of(uint64_t entries) noexcept {
  const auto blocks = blocks_of(entries);
  return static_cast<int64_t>((1 + blocks) * block_bytes + filter_blocks_of(entries) * 32
                              + blocks * 8);
}

/// By the upper half of the hash, so that hashes in order go through the filter in order.
size_t filter_word_of(uint64_t hash, size_t words) noexcept {
  const uint64_t blocks = words / words_of_filter_block;
  return static_cast<size_t>((hash >> 32) * blocks >> 32) * words_of_filter_block;
}

/// One bit in each of eight words of 32 bits, by the lower half.
std::array<uint64_t, words_of_filter_block> bits_of(uint64_t hash) noexcept {
  constexpr uint32_t salts[8] = {0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d,
                                 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31};
  const auto low = static_cast<uint32_t>(hash);
  std::array<uint64_t, words_of_filter_block> out{};
  for (size_t i = 0; i < 8; ++i)
    out[i / 2] |= uint64_t{1} << ((low * salts[i] >> 27) + (i % 2) * 32);
  return out;
}

/// That it is not there is damage; what else keeps it from being opened may pass.
disk_file open_run(const std::string& path) {
  std::error_code unknown;
  if (!std::filesystem::exists(path, unknown) && !unknown)
    throw damaged_run(path + ": it is not there");
  return disk_file::open(path);
}

/// A sector that cannot be read is damage too: another file in its place is the way out.
void read_run(const disk_file& from, int64_t at, void* to, size_t size) {
  try {
    from.read(at, static_cast<char*>(to), size);
  } catch (const failure& error) {
    throw damaged_run(error.what());
  }
}

} // namespace

std::string run_name::file() const {
  char hex[17];
  std::snprintf(hex, sizeof hex, "%016llx", static_cast<unsigned long long>(number));
  return of + "-" + hex + ".run";
}

damaged_run::damaged_run(const std::string& text) : file_failure(SQLITE_CORRUPT, text) {}

hash_run::hash_run(const std::string& folder, const run_name& name, uint64_t checksum)
    : name_(name), file_(open_run(folder + "/" + name.file())) {
  read_header(checksum);
  filter_.resize(filter_blocks_of(entries_) * words_of_filter_block);
  firsts_.resize(blocks_of(entries_));
  const auto at = static_cast<int64_t>((1 + firsts_.size()) * block_bytes);
  const auto filter_bytes = filter_.size() * sizeof filter_[0];
  read_run(file_, at, filter_.data(), filter_bytes);
  read_run(file_, at + static_cast<int64_t>(filter_bytes), firsts_.data(),
           firsts_.size() * sizeof firsts_[0]);
  if (checksum_of(filter_) != filter_checksum_ || checksum_of(firsts_) != firsts_checksum_)
    throw damaged_run(file_.path() + ": its filter is damaged");
}

hash_run::hash_run(const std::string& folder, run_name name, uint64_t entries,
                   std::vector<uint64_t> filter, std::vector<uint64_t> firsts)
    : name_(std::move(name)), file_(open_run(folder + "/" + name_.file())), entries_(entries),
      filter_(std::move(filter)), firsts_(std::move(firsts)) {}

void hash_run::read_header(uint64_t checksum) {
  const auto size = file_.size();
  if (size < static_cast<int64_t>(block_bytes))
    throw damaged_run(file_.path() + ": it has no header");
  char bytes[block_bytes];
  read_run(file_, 0, bytes, block_bytes);
  header_fields x{};
  uint64_t found = 0;
  std::memcpy(&x, bytes, sizeof x);
  std::memcpy(&found, bytes + block_bytes - sizeof found, sizeof found);
  if (std::memcmp(x.magic, magic, sizeof magic) != 0)
    throw damaged_run(file_.path() + ": it is no run");
  if (found != checksum_of(bytes, block_bytes - sizeof found))
    throw damaged_run(file_.path() + ": its header is damaged");
  auto text = [](const char* from, size_t most) { return std::string(from, strnlen(from, most)); };
  if (found != checksum || x.number != name_.number || text(x.of, sizeof x.of) != name_.of
      || text(x.store, sizeof x.store) != name_.store)
    throw damaged_run(file_.path() + ": it is another store's, or another run");
  if (x.entries > (uint64_t{1} << 40) || size != bytes_of(x.entries))
    throw damaged_run(file_.path() + ": it has another size than its header says");
  entries_ = x.entries;
  filter_checksum_ = x.filter_checksum;
  firsts_checksum_ = x.firsts_checksum;
}

uint64_t hash_run::bytes() const {
  return static_cast<uint64_t>(bytes_of(entries_));
}

size_t hash_run::entries_in(uint64_t block) const noexcept {
  return static_cast<size_t>(
      std::min<uint64_t>(entries_of_block, entries_ - block * entries_of_block));
}

void hash_run::read_block(const disk_file& from, uint64_t block,
                          std::vector<hash_entry>& to) const {
  assert(block < firsts_.size());
  char bytes[block_bytes];
  read_run(from, static_cast<int64_t>((1 + block) * block_bytes), bytes, block_bytes);
  uint64_t number = 0;
  uint64_t found = 0;
  std::memcpy(&number, bytes + entries_of_block * sizeof(hash_entry), sizeof number);
  std::memcpy(&found, bytes + block_bytes - sizeof found, sizeof found);
  if (number != block || found != checksum_of(bytes, block_bytes - sizeof found))
    throw damaged_run(from.path() + ": block " + std::to_string(block) + " is damaged");
  to.resize(entries_in(block));
  std::memcpy(to.data(), bytes, to.size() * sizeof(hash_entry));
}

bool hash_run::may_have(uint64_t hash) const noexcept {
  const auto* at = filter_.data() + filter_word_of(hash, filter_.size());
  const auto bits = bits_of(hash);
  uint64_t missing = 0;
  for (size_t i = 0; i < words_of_filter_block; ++i)
    missing |= bits[i] & ~at[i];
  return missing == 0;
}

void hash_run::prefetch(uint64_t hash) const noexcept {
  __builtin_prefetch(filter_.data() + filter_word_of(hash, filter_.size()));
}

void hash_run::find(uint64_t hash, std::vector<int64_t>& out) const {
  // Equal hashes may begin in the block before the first that begins with them.
  auto first = std::lower_bound(firsts_.begin(), firsts_.end(), hash);
  auto block = static_cast<uint64_t>(first - firsts_.begin());
  block -= block > 0 ? 1 : 0;
  for (; block < firsts_.size() && firsts_[block] <= hash; ++block) {
    if (at_hand_ != block) {
      at_hand_ = ~uint64_t{0};
      read_block(file_, block, hand_);
      at_hand_ = block;
    }
    auto at = std::lower_bound(hand_.begin(), hand_.end(), hash_entry{hash, INT64_MIN});
    for (; at != hand_.end() && at->hash == hash; ++at)
      out.push_back(at->row);
  }
}

hash_run::cursor::cursor(const hash_run& of) : of_(of), file_(open_run(of.file_.path())) {
  advance();
}

void hash_run::cursor::advance() {
  all_.clear();
  at_ = 0;
  is_at_end_ = block_ == of_.firsts_.size();
  if (!is_at_end_)
    of_.read_block(file_, block_++, all_);
}

hash_run_writer::hash_run_writer(const std::string& folder, run_name name, uint64_t entries)
    : folder_(folder), name_(std::move(name)), entries_(entries),
      file_(disk_file::make(folder + "/" + name_.file())),
      filter_(filter_blocks_of(entries) * words_of_filter_block) {
  assert(name_.store.size() <= sizeof header_fields::store);
  assert(name_.of.size() < sizeof header_fields::of);
  firsts_.reserve(blocks_of(entries));
  append(std::string(block_bytes, '\0')); // The header comes last.
}

hash_run_writer::~hash_run_writer() {
  if (is_finished_)
    return;
  try {
    disk_file::remove(file_.path());
  } catch (const failure&) {
    // The next start removes it.
  }
}

void hash_run_writer::append(std::string_view bytes) {
  waiting_.append(bytes);
  if (waiting_.size() >= (size_t{1} << 20))
    flush();
}

void hash_run_writer::flush() {
  file_.write(written_, waiting_);
  written_ += static_cast<int64_t>(waiting_.size());
  waiting_.clear();
  if (written_ - synced_ < bytes_of_sync)
    return;
  file_.sync();
  synced_ = written_;
}

void hash_run_writer::add(const hash_entry& x) {
  assert(added_ < entries_);
  if (block_.empty())
    firsts_.push_back(x.hash);
  ++added_;
  block_.append(reinterpret_cast<const char*>(&x), sizeof x);
  auto* at = filter_.data() + filter_word_of(x.hash, filter_.size());
  const auto bits = bits_of(x.hash);
  for (size_t i = 0; i < words_of_filter_block; ++i)
    at[i] |= bits[i];
  if (block_.size() == entries_of_block * sizeof x)
    flush_block();
}

void hash_run_writer::flush_block() {
  block_.resize(entries_of_block * sizeof(hash_entry));
  block_.append(reinterpret_cast<const char*>(&blocks_), sizeof blocks_);
  const auto sum = checksum_of(block_.data(), block_.size());
  block_.append(reinterpret_cast<const char*>(&sum), sizeof sum);
  assert(block_.size() == block_bytes);
  append(block_);
  block_.clear();
  ++blocks_;
}

hash_run_writer::finished hash_run_writer::finish() {
  assert(added_ == entries_);
  if (!block_.empty())
    flush_block();
  append({reinterpret_cast<const char*>(filter_.data()), filter_.size() * sizeof filter_[0]});
  append({reinterpret_cast<const char*>(firsts_.data()), firsts_.size() * sizeof firsts_[0]});
  flush();
  header_fields x{};
  std::memcpy(x.magic, magic, sizeof magic);
  std::memcpy(x.store, name_.store.data(), name_.store.size());
  std::memcpy(x.of, name_.of.data(), name_.of.size());
  x.number = name_.number;
  x.entries = entries_;
  x.filter_checksum = checksum_of(filter_);
  x.firsts_checksum = checksum_of(firsts_);
  std::string header(block_bytes, '\0');
  std::memcpy(header.data(), &x, sizeof x);
  const auto sum = checksum_of(header.data(), block_bytes - sizeof(uint64_t));
  std::memcpy(header.data() + block_bytes - sizeof sum, &sum, sizeof sum);
  file_.write(0, header);
  file_.sync();
  hash_run run{folder_, name_, entries_, std::move(filter_), std::move(firsts_)};
  is_finished_ = true;
  return {std::move(run), sum};
}

} // namespace footfall::sqlite
