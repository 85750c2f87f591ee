#include "actors/access_wire.hpp"

namespace footfall {

namespace {

using namespace access_ask;

template <class... Ts>
struct overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
overloaded(Ts...) -> overloaded<Ts...>;

uint8_t number_of(access_role x) {
  return static_cast<uint8_t>(x);
}

} // namespace

flat_access_ask flatten(const any_access_ask& x) {
  flat_access_ask out;
  out.kind = static_cast<uint8_t>(x.index());
  std::visit(overloaded{
                 [](const everything&) {},
                 [&](const access_ask::add_site& y) { out.site = y.site; },
                 [&](const access_ask::add_key& y) {
                   out.role = number_of(y.role);
                   out.site = y.site;
                   out.name = y.name;
                   out.rate = y.rate;
                   out.count_of_days = y.days;
                 },
                 [&](const revoke_key& y) { out.name = y.id; },
                 [&](const access_ask::add_user& y) {
                   out.role = number_of(y.role);
                   out.site = y.site;
                   out.name = y.name;
                   out.secret = y.password;
                 },
                 [&](const set_password& y) {
                   out.name = y.name;
                   out.secret = y.password;
                 },
                 [&](const remove_user& y) { out.name = y.name; },
                 [&](const sign_in& y) {
                   out.name = y.name;
                   out.secret = y.password;
                   out.from = y.from;
                 },
                 [&](const sign_out& y) {
                   out.secret = y.session;
                   out.from = y.from;
                 },
                 [&](const note_used& y) { out.days = y.days; },
             },
             x);
  return out;
}

caf::error unflatten(flat_access_ask& x, any_access_ask& out) {
  if (x.role > number_of(access_role::admin))
    return caf::sec::unknown_type;
  const auto role = static_cast<access_role>(x.role);
  switch (x.kind) {
  case 0: out = everything{}; break;
  case 1: out = access_ask::add_site{x.site}; break;
  case 2: out = access_ask::add_key{role, x.site, x.name, x.rate, x.count_of_days}; break;
  case 3: out = revoke_key{x.name}; break;
  case 4: out = access_ask::add_user{x.name, x.secret, role, x.site}; break;
  case 5: out = set_password{x.name, x.secret}; break;
  case 6: out = remove_user{x.name}; break;
  case 7: out = sign_in{x.name, x.secret, x.from}; break;
  case 8: out = sign_out{x.secret, x.from}; break;
  case 9: out = note_used{std::move(x.days)}; break;
  default: return caf::sec::unknown_type;
  }
  return caf::none;
}

} // namespace footfall
