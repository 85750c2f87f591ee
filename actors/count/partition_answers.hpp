#pragma once

#include <utility>

#include "actors/count/partition.hpp"

namespace footfall {

/// A callback of the store or the log that sends what it gets to this claim of the
/// partition; `what` goes along with a failure.
template <class T, class Atom>
std::function<void(caf::expected<T>)> to_me(partition_ptr self, Atom, caf::atom_value what) {
  auto me = caf::actor_cast<partition_actor>(self);
  return [me, what, claim = self->state.progress.claim_no()](caf::expected<T> x) {
    if (x)
      caf::anon_send(me, Atom{}, claim, std::move(*x));
    else
      caf::anon_send(me, atom::failed_v, claim, what, std::move(x.error()));
  };
}

} // namespace footfall
