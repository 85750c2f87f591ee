#pragma once

#include <cstdint>
#include <functional>
#include <utility>

#include <caf/all.hpp>

#include "actors/messages.hpp"
#include "proto/site_text.hpp"

namespace footfall {

/// A callback for a port that does nothing but send what it is given to the actor that asked:
/// as `answer, number, value`, or `failed, number, steps..., error`. By the number the actor
/// knows whether it still waits for that. Runs on the port's threads; the actor may be gone.
template <class T, class Actor, class Atom, class... Steps>
std::function<void(caf::expected<T>)> to_me(Actor* self, Atom answer, uint64_t number,
                                            Steps... steps) {
  auto me = caf::actor_cast<typename Actor::actor_hdl>(self);
  return [me, answer, number, steps...](caf::expected<T> x) {
    if (x)
      caf::anon_send(me, answer, number, std::move(*x));
    else
      caf::anon_send(me, atom::failed_v, number, steps..., std::move(x.error()));
  };
}

/// What a read of the store gave, as one message; `fill` takes over the values.
template <class T, class Fill>
store_answer answer_of(caf::expected<snapshot<T>>& x, Fill fill) {
  store_answer out;
  if (x) {
    out.incarnation = x->incarnation;
    fill(out, *x);
  } else {
    out.code = code_of(x.error());
    out.reason = text_of(x.error());
  }
  return out;
}

inline constexpr auto fill_pages = [](store_answer& out, snapshot<page_load>& x) {
  out.reached = std::move(x.reached);
  out.pages = std::move(x.values);
};

/// How the store is asked for a page that is called so inside the node.
inline page_key page_key_of(std::string_view page) {
  const auto [site, url] = split_site(page);
  return {std::string{site}, std::string{url}};
}

} // namespace footfall
