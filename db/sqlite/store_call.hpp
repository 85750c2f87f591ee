#pragma once

#include <functional>
#include <utility>

#include "db/sqlite/store_reader.hpp"
#include "db/sqlite/store_writer.hpp"
#include "proto/failpoint.hpp"

namespace footfall::sqlite {

/// A change that waits: `work` inside a transaction, then `answer` with none, or
/// with why it did not happen.
struct write_call {
  std::function<void(sqlite::store_writer&)> work;
  std::function<void(const caf::error&)> answer;
};

/// A question that waits: asked of a reader inside a snapshot, or of nullptr when
/// there is none because of the error.
struct read_call {
  std::function<void(sqlite::store_reader*, const caf::error&)> run;
};

/// `reply`, with a failpoint between a commit and it.
template <class T>
store::done<T> at_failpoint(const char* name, store::done<T> reply) {
  return [name, reply = std::move(reply)](caf::expected<T> x) {
    if (x)
      failpoint(name);
    reply(std::move(x));
  };
}

} // namespace footfall::sqlite
