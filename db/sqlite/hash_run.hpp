#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "db/sqlite/database.hpp"
#include "db/sqlite/disk_file.hpp"

namespace footfall::sqlite {

/// What an index by hash holds: 64 bits of a key, and where the key stands.
struct hash_entry {
  uint64_t hash = 0;
  int64_t row = 0;
  bool operator<(const hash_entry& x) const { return hash != x.hash ? hash < x.hash : row < x.row; }
  bool operator==(const hash_entry& x) const { return hash == x.hash && row == x.row; }
};

/// Which run it is. A file whose header says something else is another one.
struct run_name {
  std::string store;   ///< Identity of the store, at most 40 bytes.
  std::string of;      ///< The index, at most 15 bytes.
  uint64_t number = 0; ///< Random; never given twice.
  std::string file() const;
};

/// A run is not what it says: foreign, torn or damaged. Its index must be made again.
class damaged_run : public file_failure {
public:
  explicit damaged_run(const std::string& text);
};

/// An immutable sorted file of entries, of which many may have the same hash.
///
/// A header of one block, blocks of 4 KiB with 255 entries and a checksum each, a filter, and the
/// first hash of each block. Filter and first hashes are in memory, some 2.1 bytes an entry: a hash
/// that is not there costs one look at the filter (0.1 % pass it), one that is costs one block.
/// The filter is a split block Bloom filter (Putze, Sanders, Singler 2007; as in Apache Parquet)
/// with 16 bits an entry.
///
/// One thread at a time; throws `failure`, `damaged_run` when the file is not what it should be.
class hash_run {
public:
  static constexpr size_t block_bytes = 4096;
  static constexpr size_t entries_of_block = 255;

  /// Opens a run and checks all but the blocks of entries, each of which is checked when it is
  /// read. `checksum` is that of the header, which hash_run_writer gave.
  hash_run(const std::string& folder, const run_name& name, uint64_t checksum);
  hash_run(hash_run&&) = default;

  bool may_have(uint64_t hash) const noexcept;
  /// Has the processor get ready what may_have will look at.
  void prefetch(uint64_t hash) const noexcept;
  /// Appends the rows of a hash to `out`.
  void find(uint64_t hash, std::vector<int64_t>& out) const;

  uint64_t entries() const noexcept { return entries_; }
  uint64_t bytes() const; ///< On the disk.
  const run_name& name() const noexcept { return name_; }

  /// All entries, in order, in whatever thread.
  class cursor {
  public:
    explicit cursor(const hash_run& of);
    bool is_at_end() const noexcept { return is_at_end_; }
    const hash_entry& operator*() const noexcept { return all_[at_]; }
    void next() {
      if (++at_ == all_.size())
        advance();
    }

  private:
    void advance();
    const hash_run& of_;
    disk_file file_;
    std::vector<hash_entry> all_; ///< Of one block.
    uint64_t block_ = 0;          ///< That comes next.
    size_t at_ = 0;
    bool is_at_end_ = false;
  };

private:
  friend class hash_run_writer;
  hash_run(const std::string& folder, run_name name, uint64_t entries, std::vector<uint64_t> filter,
           std::vector<uint64_t> firsts);
  void read_header(uint64_t checksum);
  void read_block(const disk_file& from, uint64_t block, std::vector<hash_entry>& to) const;
  size_t entries_in(uint64_t block) const noexcept;

  run_name name_;
  disk_file file_;
  uint64_t entries_ = 0;
  uint64_t filter_checksum_ = 0;
  uint64_t firsts_checksum_ = 0;
  std::vector<uint64_t> filter_;
  std::vector<uint64_t> firsts_; ///< Hash of each block.
  mutable uint64_t at_hand_ = ~uint64_t{0};
  mutable std::vector<hash_entry> hand_; ///< Entries of that block.
};

/// Makes a run of so many entries, given in order. Nothing names the file before finish().
class hash_run_writer {
public:
  hash_run_writer(const std::string& folder, run_name name, uint64_t entries);
  /// Removes what was not finished.
  ~hash_run_writer();
  hash_run_writer(const hash_run_writer&) = delete;
  hash_run_writer& operator=(const hash_run_writer&) = delete;

  void add(const hash_entry& x);
  struct finished {
    hash_run run;
    uint64_t checksum = 0; ///< Of its header.
  };
  /// Writes the rest and waits until the run outlives a loss of power. Once, the last call.
  finished finish();

private:
  void flush_block();
  void flush();
  void append(std::string_view bytes);

  const std::string folder_;
  const run_name name_;
  const uint64_t entries_;
  disk_file file_;
  uint64_t added_ = 0;
  uint64_t blocks_ = 0;
  int64_t written_ = 0;
  int64_t synced_ = 0; ///< Of what is written, in steps, so that the last sync is short.
  std::string block_;
  std::string waiting_;
  std::vector<uint64_t> filter_;
  std::vector<uint64_t> firsts_;
  bool is_finished_ = false;
};

} // namespace footfall::sqlite
