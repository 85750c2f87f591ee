#pragma once

#include "actors/ports/access_desk.hpp"
#include "proto/wire.hpp"

/// How nodes tell each other of who may what.
namespace footfall {

template <class Inspector>
auto inspect(Inspector& f, access_site& x) {
  return wire::object(f, "access_site", x.id, x.created_us);
}
template <class Inspector>
auto inspect(Inspector& f, access_key& x) {
  auto role = static_cast<uint8_t>(x.role);
  auto load = [&]() -> caf::error {
    x.role = static_cast<access_role>(role);
    return caf::none;
  };
  return f(caf::meta::type_name("access_key"), x.id, x.digest, role, x.site, x.name, x.created_us,
           x.expires_us, x.revoked_us, x.rate, x.used_day, caf::meta::load_callback(load));
}
template <class Inspector>
auto inspect(Inspector& f, access_user& x) {
  auto role = static_cast<uint8_t>(x.role);
  auto load = [&]() -> caf::error {
    x.role = static_cast<access_role>(role);
    return caf::none;
  };
  return f(caf::meta::type_name("access_user"), x.name, x.password, role, x.site, x.created_us,
           caf::meta::load_callback(load));
}
template <class Inspector>
auto inspect(Inspector& f, access_session& x) {
  return wire::object(f, "access_session", x.id, x.user, x.created_us, x.used_day);
}
template <class Inspector>
auto inspect(Inspector& f, access_rows& x) {
  return wire::object(f, "access_rows", x.revision, x.sites, x.keys, x.users, x.sessions);
}
/// Rows on their way to another node, in messages that are not too long for a link.
struct access_part {
  access_rows rows;    ///< Some of them; each part has the revision.
  uint32_t number = 0; ///< From 0; a part 0 begins anew.
  bool is_last = true;
};
template <class Inspector>
auto inspect(Inspector& f, access_part& x) {
  return wire::object(f, "access_part", x.rows, x.number, x.is_last);
}
/// That a part arrived: the next may come.
struct access_part_taken {
  int64_t revision = 0;
  uint32_t number = 0;
};
template <class Inspector>
auto inspect(Inspector& f, access_part_taken& x) {
  return wire::object(f, "access_part_taken", x.revision, x.number);
}

template <class Inspector>
auto inspect(Inspector& f, access_revoked& x) {
  return wire::object(f, "access_revoked", x.keys);
}

/// At least one part, the last one marked. Parts have about `bytes` at most.
std::vector<access_part> parts_of(const access_rows& x, size_t bytes);
/// Adds the rows of the next part.
void append(access_rows& to, access_rows&& part);

template <class Inspector>
auto inspect(Inspector& f, access_reply& x) {
  return wire::reply(f, "access_reply", x, x.retry_after_s, x.refused, x.rows, x.key, x.text,
                     x.stored);
}
template <class Inspector>
auto inspect(Inspector& f, access_told& x) {
  return wire::object(f, "access_told", x.number, x.reply, x.with_rows);
}

/// A question in fields that are there whatever it is.
struct flat_access_ask {
  uint8_t kind = 0; ///< Its place in any_access_ask.
  uint8_t role = 0;
  std::string site, name, secret, from; ///< `name` also of a key's id.
  uint32_t rate = 0;
  uint32_t count_of_days = 0;
  std::vector<std::pair<std::string, int64_t>> days;
};
flat_access_ask flatten(const any_access_ask& x);
/// @returns an error when there is no such question.
caf::error unflatten(flat_access_ask& x, any_access_ask& out);

template <class Inspector>
auto inspect(Inspector& f, access_call& x) {
  auto y = flatten(x.what);
  auto load = [&]() -> caf::error { return unflatten(y, x.what); };
  return f(caf::meta::type_name("access_call"), x.number, y.kind, y.role, y.site, y.name, y.secret,
           y.from, y.rate, y.count_of_days, y.days, caf::meta::load_callback(load));
}

} // namespace footfall
