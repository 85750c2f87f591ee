#pragma once

#include <initializer_list>
#include <vector>

#include "actors/model/partition_progress.hpp"

/// What the tests of a partition's progress share.
namespace footfall::test {

using model::partition_progress;
using model::progress_rules;
using model::progress_step;
using model::progress_steps;
using kind = progress_step::kind;

inline std::vector<log_entry> entries(std::initializer_list<int64_t> offsets) {
  std::vector<log_entry> out;
  for (auto offset : offsets)
    out.push_back({offset, 0, record_format::protobuf, "four"});
  return out;
}

inline bool has(const progress_steps& all, kind what) {
  for (const auto& x : all)
    if (x.what == what)
      return true;
  return false;
}

inline partition_progress running(int64_t next = 0, int64_t folded = 0, progress_rules rules = {}) {
  partition_progress out{rules};
  out.claim();
  out.start(1, next, folded);
  return out;
}

} // namespace footfall::test
