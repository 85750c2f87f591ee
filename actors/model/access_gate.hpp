#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "proto/access.hpp"

namespace footfall::model {

/// What a request needs: a role at some site, or at all of them.
enum class access_need : uint8_t {
  nothing,   ///< It is open to everybody.
  ingest,    ///< The key of a site that may append.
  read,      ///< The key of a site that may ask.
  all_read,  ///< That of all sites.
  all_admin, ///< An admin of all sites.
};

/// Why a request is refused.
enum class access_denial : uint8_t {
  none,
  not_known_yet, ///< The keys were not read yet.
  missing,
  malformed,
  unknown, ///< No such key, or another secret than its own.
  expired,
  revoked,
  role, ///< The key may something else.
  site, ///< The key is of another site.
  rate,
};

/// For the client: what is wrong and what to do. Names no key.
std::string text_of(access_denial x, access_need need);

/// How much of its rate a key has used, on this node. GCRA, the leaky bucket as a meter: the
/// moment at which all that was taken would have flowed off is one number. Any thread.
class rate_meter {
public:
  struct result {
    bool taken = true;
    uint32_t limit = 0;     ///< In all; 0: there is none.
    uint32_t remaining = 0; ///< At once, now.
    uint32_t reset_s = 0;   ///< Until all of it is there again, or as much as was asked for.
  };

  /// Takes `amount` of `rate` a second, of which `burst_s` seconds' worth may come at once. What
  /// is more than that is taken when the meter is empty.
  result take(uint32_t rate, uint64_t amount, int64_t now_us);

  static constexpr uint32_t burst_s = 5;

  std::atomic<int64_t> used_day{0}; ///< Of the key, for access_key::used_day.

private:
  std::atomic<int64_t> empty_at_us_{0};
};

/// Who asks, as far as the edge lets it. Without a key: everybody, who may all.
class principal {
public:
  principal() = default;
  principal(access_key key, std::shared_ptr<rate_meter> meter);

  /// Empty: there is none.
  const std::string& key_id() const { return key_.id; }
  bool may(access_need need) const;

  /// Whether it may have what it asks at `site`, which becomes its own where none is named.
  bool covers(std::string& site) const;

  /// Takes `amount` of what its key may have in a second.
  rate_meter::result take(uint64_t amount, int64_t now_us) const;

private:
  access_key key_; ///< Without an id: there is none.
  std::shared_ptr<rate_meter> meter_;
};

/// Whether the bearer of a key may pass. Knows the keys as they were read last, so that it goes
/// on while the store is away. Any thread.
class access_gate {
public:
  /// From now on these are the keys.
  void publish(access_rows rows);

  /// False before the first publish().
  bool knows() const { return snapshot() != nullptr; }
  /// Whether there is a key that somebody could pass with.
  bool has_usable_key(int64_t now_us) const;

  struct verdict {
    access_denial why = access_denial::none;
    principal who; ///< When it may pass.
  };
  /// @param bearer what follows "Bearer " in Authorization; empty: nothing was said.
  verdict check(std::string_view bearer, access_need need, int64_t now_us) const;

  /// Whether what passed with a key before would pass now. True for none.
  bool still_holds(const std::string& key_id, int64_t now_us) const;

  /// Keys by id with the day that they were used last here, where that was not noted yet.
  std::vector<std::pair<std::string, int64_t>> used_since_noted() const;

private:
  struct entry {
    access_key key;
    std::shared_ptr<rate_meter> meter;
  };
  struct book {
    absl::flat_hash_map<std::string, entry> keys;
  };
  std::shared_ptr<const book> snapshot() const {
    return std::atomic_load_explicit(&book_, std::memory_order_acquire);
  }

  std::shared_ptr<const book> book_; ///< Read and replaced as a whole.
};

/// "Bearer X" without its first word (RFC 6750); empty when it is something else.
std::string_view bearer_of(std::string_view authorization);

} // namespace footfall::model
