#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <caf/expected.hpp>

namespace footfall {

/// What log.db and store.db of one embedded node say of themselves and of each other.
struct sqlite_pair {
  struct part {
    int64_t first = 0; ///< Of the log.
    int64_t end = 0;   ///< Of the log.
    int64_t next = 0;  ///< Applied below, says the store.
  };
  std::string log_id;
  std::string store_id;
  std::vector<part> parts;
};

/// Copies the two files of `from`, which a node may be using, to `to`/log.db and
/// `to`/store.db: both as they were at one moment, and the log covers the store. Blocks.
caf::expected<sqlite_pair> copy_sqlite_pair(const std::string& from, const std::string& to);

/// Reads both files whole. @returns errc::corrupt and a text when one is damaged, or when
/// the log is not the one that the store was applied from or lacks records.
caf::expected<sqlite_pair> check_sqlite_pair(const std::string& folder);

/// Gives the store a new identity: what caches remember of its other life is not its own.
caf::error renew_store_identity(const std::string& folder);

} // namespace footfall
