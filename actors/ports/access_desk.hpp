#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "proto/access.hpp"
#include "proto/error.hpp"

namespace footfall {

/// What people ask of who may what, through the edge.
namespace access_ask {

struct everything {};
struct add_site {
  std::string site;
};
struct add_key {
  access_role role = access_role::read;
  std::string site;
  std::string name;
  uint32_t rate = 0;
  uint32_t days = 0; ///< Until it expires; 0: never.
};
struct revoke_key {
  std::string id;
};
struct add_user {
  std::string name;
  std::string password;
  access_role role = access_role::read;
  std::string site;
};
struct set_password {
  std::string name;
  std::string password;
};
struct remove_user {
  std::string name;
};
struct sign_in {
  std::string name;
  std::string password;
  std::string from; ///< The address that asks, to bound its tries.
};
struct sign_out {
  std::string session; ///< access_session::id
  std::string from;    ///< As of sign_in.
};
/// Keys and sessions by id with the day that a node without a store saw them used last.
struct note_used {
  std::vector<std::pair<std::string, int64_t>> days;
};

} // namespace access_ask

using any_access_ask =
    std::variant<access_ask::everything, access_ask::add_site, access_ask::add_key,
                 access_ask::revoke_key, access_ask::add_user, access_ask::set_password,
                 access_ask::remove_user, access_ask::sign_in, access_ask::sign_out,
                 access_ask::note_used>;

struct access_reply {
  errc code = errc::none; ///< none: it was done. not_found, invalid_argument: it cannot be.
  std::string reason;
  uint32_t retry_after_s = 0; ///< When it is overloaded, if that is known.
  bool refused = false;       ///< sign_in: no such name, or another password.
  access_rows rows;           ///< As they are after it was done; not of sign_in and sign_out.
  access_key key;             ///< add_key, revoke_key.
  bool stored = true;         ///< False: revoke_key holds, and is stored when the store is back.
  std::string text;           ///< add_key: the key, sign_in: the session's token. Secret.
};

/// That nothing was done, and why.
inline access_reply access_refusal(errc code, std::string reason) {
  access_reply out;
  out.code = code;
  out.reason = std::move(reason);
  return out;
}

/// Changes who may what, for the edge. Any thread; no call blocks, `done` runs exactly once, on
/// another thread.
class access_desk {
public:
  virtual ~access_desk() = default;
  virtual void ask(any_access_ask what, std::function<void(access_reply)> done) = 0;
};

/// What one node asks the desk of another, and what it is answered, by number.
struct access_call {
  uint64_t number = 0;
  any_access_ask what;
};
struct access_told {
  uint64_t number = 0;
  access_reply reply;
  bool with_rows = false; ///< Between nodes: the reply has those that the asking node was told.
};

/// Keys that were revoked while the store was away, with the time: nodes tell each other.
struct access_revoked {
  std::vector<std::pair<std::string, int64_t>> keys;
};

/// How a node with a store lets those without know who may what, and how these ask. What is not
/// meant for the node is empty. Any thread; nothing of it blocks.
struct access_links {
  // With a store.
  access_desk* desk = nullptr; ///< Null: nobody is asked for keys here.
  std::function<std::shared_ptr<const access_rows>()> rows; ///< Null: not read yet. No passwords.
  std::function<std::shared_ptr<const access_revoked>()> revoked; ///< Null: none are.
  std::function<void(const access_revoked&)> take_revoked;        ///< What another node has.
  // Without.
  std::function<void(const access_rows&)> take;
  std::function<void(access_told)> answer;
};

} // namespace footfall
