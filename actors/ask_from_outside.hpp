#pragma once

#include <chrono>
#include <utility>

#include <caf/all.hpp>

#include "actors/tend/observed.hpp"

namespace footfall {

/// Asks an actor from outside the system; the answer comes on one of its threads.
/// `otherwise` is it when there is no actor, or none in time. `open` counts it until then.
template <class Answer, class Handle, class Done, class... Ts>
void ask_from_outside(caf::actor_system& system, std::shared_ptr<census> open, Handle to,
                      std::chrono::seconds patience, Done done, Answer otherwise, Ts... xs) {
  if (!to) {
    done(std::move(otherwise));
    return;
  }
  // With no argument at all CAF 0.17 dereferences a null pointer, which libstdc++'s
  // assertions notice.
  auto run = [=](caf::event_based_actor* self, int) {
    self->request(to, patience, xs...)
        .then(
            [done, open](Answer& x) {
              done(std::move(x));
              open->leave();
            },
            [done, otherwise, open](const caf::error&) {
              done(otherwise);
              open->leave();
            });
  };
  open->enter();
  system.spawn(run, 0);
}

} // namespace footfall
