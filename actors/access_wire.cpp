#include "actors/access_wire.hpp"

#include <iterator>
#include <utility>

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
  if (x.role > number_of(access_role::counter))
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

namespace {

constexpr size_t row_bytes = 64; // Of what no text is.

size_t bytes_of(const access_site& x) {
  return row_bytes + x.id.size();
}
size_t bytes_of(const access_key& x) {
  return row_bytes + sizeof x.digest + x.id.size() + x.site.size() + x.name.size();
}
size_t bytes_of(const access_user& x) {
  return row_bytes + x.name.size() + x.password.size() + x.site.size();
}
size_t bytes_of(const access_session& x) {
  return row_bytes + x.id.size() + x.user.size();
}

/// Cuts rows into parts as they come.
class cutter {
public:
  cutter(int64_t revision, size_t bytes) : most_(bytes) {
    out.emplace_back().rows.revision = revision;
  }

  template <class Row>
  void put(const std::vector<Row>& rows, std::vector<Row> access_rows::*kind) {
    for (const auto& x : rows) {
      const auto more = bytes_of(x);
      if (bytes_ > 0 && bytes_ + more > most_)
        begin_another();
      bytes_ += more;
      (out.back().rows.*kind).push_back(x);
    }
  }

  std::vector<access_part> out;

private:
  void begin_another() {
    out.back().is_last = false;
    access_part next;
    next.number = out.back().number + 1;
    next.rows.revision = out.back().rows.revision;
    out.push_back(std::move(next));
    bytes_ = 0;
  }

  size_t most_;
  size_t bytes_ = 0;
};

template <class Row>
void move_behind(std::vector<Row>& to, std::vector<Row>& from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

} // namespace

std::vector<access_part> parts_of(const access_rows& x, size_t bytes) {
  cutter to{x.revision, bytes};
  to.put(x.sites, &access_rows::sites);
  to.put(x.keys, &access_rows::keys);
  to.put(x.users, &access_rows::users);
  to.put(x.sessions, &access_rows::sessions);
  return std::move(to.out);
}

void append(access_rows& to, access_rows&& part) {
  to.revision = part.revision;
  move_behind(to.sites, part.sites);
  move_behind(to.keys, part.keys);
  move_behind(to.users, part.users);
  move_behind(to.sessions, part.sessions);
}

} // namespace footfall
