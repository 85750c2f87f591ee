#pragma once

#include <functional>
#include <string>
#include <variant>

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

} // namespace access_ask

using any_access_ask =
    std::variant<access_ask::everything, access_ask::add_site, access_ask::add_key,
                 access_ask::revoke_key, access_ask::add_user, access_ask::set_password,
                 access_ask::remove_user, access_ask::sign_in, access_ask::sign_out>;

struct access_reply {
  errc code = errc::none; ///< none: it was done. not_found, invalid_argument: it cannot be.
  std::string reason;
  uint32_t retry_after_s = 0; ///< When it is overloaded, if that is known.
  bool refused = false;       ///< sign_in: no such name, or another password.
  access_rows rows;           ///< As they are after it was done; not of sign_in and sign_out.
  access_key key;             ///< add_key, revoke_key.
  std::string text;           ///< add_key: the key, sign_in: the session's token. Secret.
};

/// Changes who may what, for the edge. Any thread; no call blocks, `done` runs exactly once, on
/// another thread.
class access_desk {
public:
  virtual ~access_desk() = default;
  virtual void ask(any_access_ask what, std::function<void(access_reply)> done) = 0;
};

} // namespace footfall
