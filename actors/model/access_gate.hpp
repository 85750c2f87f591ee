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
  see,       ///< The same, or a link to what may be shared of a site.
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
  no_share,   ///< The link is none, or is over.
  no_counter, ///< Nothing says that anybody may see the counts of the page.
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
  /// @param now_us by a clock that only passes: one that is set back would lock the key out.
  result take(uint32_t rate, uint64_t amount, int64_t now_us);

  static constexpr uint32_t burst_s = 5;

  std::atomic<int64_t> used_day{0}; ///< Of the key, for access_key::used_day.

private:
  std::atomic<int64_t> empty_at_ns_{0};
};

/// Who asks, as far as the edge lets it. Without an id: everybody, who may all.
class principal {
public:
  /// What of a key, or of who is signed in, an edge looks at.
  struct grant {
    std::string id; ///< Of the key, or of the session.
    access_role role = access_role::admin;
    std::string site{all_sites};
    std::string person = {}; ///< The name of who is signed in; empty: a key.
    uint32_t rate = 0;       ///< A second; 0: no limit.
    int64_t ends_us = 0;     ///< 0: never.
  };

  principal() = default;
  principal(grant of, std::shared_ptr<rate_meter> meter);

  const std::string& id() const { return grant_.id; }
  const grant& is() const { return grant_; }
  bool may(access_need need) const;

  /// Whether it may have what it asks at `site`, which becomes its own where none is named.
  bool covers(std::string& site) const;

  /// Takes `amount` of what its key may have in a second.
  rate_meter::result take(uint64_t amount, int64_t now_us) const;

private:
  grant grant_;
  std::shared_ptr<rate_meter> meter_;
};

/// What a request brings along to be let in.
struct credentials {
  std::string_view bearer = {};  ///< Of Authorization; empty: nothing was said.
  std::string_view session = {}; ///< Of a cookie; empty: there is none.
  std::string_view share = {};   ///< Of a link; not empty: the others are not looked at.
};

/// Whether somebody may pass, with a key or a session. Knows them as they were read last, so that
/// it goes on while the store is away. Any thread.
class access_gate {
public:
  /// How long somebody stays signed in: without using it, and in all.
  static constexpr int64_t session_idle_days = 7;
  static constexpr int64_t session_days = 30;

  /// From now on these are the keys and people.
  void publish(const access_rows& rows);

  /// False before the first publish().
  bool knows() const { return snapshot() != nullptr; }
  /// Whether there is a key or a person that could pass; links and counters can change nothing.
  bool has_somebody(int64_t now_us) const;

  struct verdict {
    access_denial why = access_denial::none;
    principal who; ///< When it may pass.
  };
  verdict check(const credentials& with, access_need need, int64_t now_us) const;

  /// Whether anybody may see the counts of a page.
  verdict check_counter(const std::string& site, std::string_view page, int64_t now_us) const;

  /// Who is signed in with a session; an id of "" when nobody is.
  principal::grant signed_in(std::string_view session, int64_t now_us) const;

  /// Whether what passed with a key or session before would pass now. True for none.
  bool still_holds(const std::string& id, int64_t now_us) const;

  /// Keys and sessions by id with the day that they were used last here, where that was not noted
  /// yet.
  std::vector<std::pair<std::string, int64_t>> used_since_noted() const;

private:
  struct entry {
    principal::grant grant;
    access_digest digest{}; ///< Of a key's secret.
    bool revoked = false;
    int64_t noted_day = 0;
    std::shared_ptr<rate_meter> meter;
  };
  struct book {
    absl::flat_hash_map<std::string, entry> entries;       ///< By id of key or session.
    absl::flat_hash_map<access_digest, std::string> links; ///< Ids, by what is in the address.
    /// Of each site the pages whose counts anybody may see, with the id of what says so: single
    /// pages first, then those of which most is said.
    absl::flat_hash_map<std::string, std::vector<std::pair<std::string, std::string>>> counters;
    bool has_people = false;
  };
  static access_denial state_of(const entry& x, int64_t now_us);
  static void add(book& to, const book* before, entry x);
  static verdict admitted(const entry& x, access_need need, int64_t now_us);
  static verdict check_link(const book& in, std::string_view token, access_need need,
                            int64_t now_us);
  std::shared_ptr<const book> snapshot() const {
    return std::atomic_load_explicit(&book_, std::memory_order_acquire);
  }

  std::shared_ptr<const book> book_; ///< Read and replaced as a whole.
};

/// "Bearer X" without its first word (RFC 6750); empty when it is something else.
std::string_view bearer_of(std::string_view authorization);

/// What our cookie says in a Cookie header; empty when there is none.
std::string_view session_of(std::string_view cookies);

/// Names of that cookie: over https, and else.
inline constexpr std::string_view secure_cookie = "__Host-footfall";
inline constexpr std::string_view plain_cookie = "footfall";

} // namespace footfall::model
