#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace footfall::app {

/// Counts how often each line came before, among the last `window` lines at least and
/// at most: so the answer does not depend on where a piece of a log begins, and the
/// memory is bounded.
class ordinals {
public:
  static constexpr uint32_t window = 1 << 18;

  /// How often `line` came before: 0 the first time. `line` is a hash.
  uint32_t next(uint64_t line);

private:
  struct entry {
    uint64_t line = 0;
    uint32_t at = 0;      ///< The last time, as a number of lines.
    uint32_t ordinal = 0; ///< Of that time, plus one; 0: the entry is free.
  };

  /// Open addressing, at most half full.
  struct table {
    std::vector<entry> entries;
    size_t used = 0; ///< Entries that are not free.
    /// The line's entry, or a free one in its place.
    entry& slot(uint64_t line);
    const entry* find(uint64_t line) const noexcept;
    void grow();
  };

  table now_, before_; ///< Lines since the last turn, and of the turn before it.
  uint32_t line_ = 0;
  uint32_t turn_ = 0; ///< Lines since the last turn.
};

/// Ids of lines that have none of their own: a UUIDv7 made of the source's name, the
/// time, the text, and which of the identical lines of the file it is. So a line has
/// one id wherever it stands: in a rotated, renamed, packed, cut or joined file.
/// One object serves one file, from its first line on.
class line_ids {
public:
  explicit line_ids(std::string_view source);
  ~line_ids();
  line_ids(line_ids&&) noexcept;
  line_ids& operator=(line_ids&&) noexcept;

  std::string of(int64_t at_us, std::string_view text);

  /// Lines so far that were identical to an earlier one.
  uint64_t repeated() const noexcept { return repeated_; }

private:
  using digest = std::array<uint8_t, 32>;
  struct context;
  digest hash_of(int64_t at_us, std::string_view text, uint32_t ordinal);

  std::unique_ptr<context> context_;
  std::string source_;
  std::string buffer_;
  ordinals ordinals_;
  uint64_t repeated_ = 0;
};

} // namespace footfall::app
