#pragma once

#include <string>
#include <utility>
#include <vector>

#include <caf/expected.hpp>

#include "proto/access.hpp"

namespace footfall {

/// Where sites and keys are stored: beside the events. Calls block, up to some seconds while
/// the store is away (errc::store_unavailable then). One thread at a time; several nodes, and
/// commands beside them, may have it open.
class access_records {
public:
  virtual ~access_records() = default;

  /// Has a call that waits for a server, and each later one, fail soon. Any thread.
  virtual void interrupt() {}

  /// Of the last change.
  virtual caf::expected<int64_t> revision() = 0;

  /// All of it; sites, users and sessions by id or name, keys by site and id.
  virtual caf::expected<access_rows> read() = 0;

  /// @returns false when there is a site of this id; nothing changed then.
  virtual caf::expected<bool> add_site(const access_site& x) = 0;

  /// Its id must be new. @returns false when its site is none; nothing changed then.
  virtual caf::expected<bool> add_key(const access_key& x) = 0;

  /// Keeps the first time if it was revoked before. @returns false when there is no such key.
  virtual caf::expected<bool> revoke(const std::string& id, int64_t at_us) = 0;

  /// @returns false when there is a user of this name, or its site is none.
  virtual caf::expected<bool> add_user(const access_user& x) = 0;

  /// Ends the user's sessions as well. @returns false when there is no such user.
  virtual caf::expected<bool> set_password(const std::string& name,
                                           const std::string& password) = 0;

  /// With all sessions. @returns false when there is no such user.
  virtual caf::expected<bool> remove_user(const std::string& name) = 0;

  /// Sessions that somebody may have; the oldest ones make room.
  static constexpr int sessions_most = 16;

  /// Drops sessions that were made before `oldest_us` as well. @returns false when there is no
  /// such user with this password, as argon2id made it.
  virtual caf::expected<bool> add_session(const access_session& x, const std::string& password,
                                          int64_t oldest_us) = 0;

  /// @returns false when there is no such session.
  virtual caf::expected<bool> end_session(const std::string& id) = 0;

  /// Notes the day that keys and sessions were used last, by id; a later day stays. No new
  /// revision.
  virtual caf::error note_used(const std::vector<std::pair<std::string, int64_t>>& days) = 0;
};

} // namespace footfall
