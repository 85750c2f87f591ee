#pragma once

#include <cstdint>
#include <string>

#include <absl/container/flat_hash_map.h>

namespace footfall::app {

/// Bounds how often somebody may try, by a name of theirs: `most` at once, and then one each
/// `minute / most`. Knows up to 10,000 names; beyond that, those that may try again are forgotten,
/// or all. One thread.
class try_limits {
public:
  explicit try_limits(uint32_t most_a_minute) : step_us_(60'000'000 / most_a_minute) {}

  /// 0: it may be tried, and counts. Else the seconds until it may be.
  uint32_t wait_s(const std::string& name, int64_t now_us);

  /// The try was right: it does not count.
  void give_back(const std::string& name);

private:
  const int64_t step_us_;
  absl::flat_hash_map<std::string, int64_t> empty_at_us_;
};

/// What tries from an address are counted under: an IPv4 address, the first 64 bits of an IPv6 one.
std::string network_of(const std::string& address);

} // namespace footfall::app
