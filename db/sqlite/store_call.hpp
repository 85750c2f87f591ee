#pragma once

#include <functional>
#include <utility>

#include "db/sqlite/store_reader.hpp"
#include "proto/failpoint.hpp"

namespace footfall::sqlite {

/// A question that waits: asked of a reader inside a snapshot, or of nullptr when
/// there is none because of the error.
struct read_call {
  std::function<void(sqlite::store_reader*, const caf::error&)> run;
};

inline caf::error closed() {
  return make_error(errc::shutting_down, "the store is closed");
}

/// `reply`, with a failpoint between a commit and it.
template <class T>
store::done<T> at_failpoint(const char* name, store::done<T> reply) {
  return [name, reply = std::move(reply)](caf::expected<T> x) {
    if (x)
      failpoint(name);
    reply(std::move(x));
  };
}

/// `out`, after a failpoint between a change and its commit.
template <class T>
T changed(const char* name, T out) {
  failpoint(name);
  return out;
}

} // namespace footfall::sqlite
