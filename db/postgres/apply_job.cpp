#include "db/postgres/apply_job.hpp"

#include <algorithm>
#include <iterator>

namespace footfall::postgres {

namespace {

/// More rows than this cost no less each, and make all of them wait.
constexpr size_t merged_max = 5'000;

/// A batch of so few costs little beside a full one, and would wait for a whole statement.
constexpr size_t small = merged_max / 16;

/// In rows. A refused record goes with all its bytes: each KiB of it counts.
size_t weight_of(const apply_request& batch) {
  auto out = batch.rows.size() + batch.bad.size();
  for (const auto& x : batch.bad)
    out += x.raw.size() / 1024;
  return out;
}

} // namespace

apply_job::apply_job(writer& to, incarnations& past, apply_request batch, done reply)
    : writer_(to), past_(past), weight_(weight_of(batch)) {
  batches_.push_back({std::move(batch), {}, {}, {}});
  replies_.push_back(std::move(reply));
}

bool apply_job::has(uint32_t partition) const {
  return std::any_of(batches_.begin(), batches_.end(),
                     [partition](const apply_work& x) { return x.batch.partition == partition; });
}

// A second batch of one partition waits for its turn.
bool apply_job::absorb(job& other) {
  auto* more = dynamic_cast<apply_job*>(&other);
  if (!more || has(more->batches_[0].batch.partition))
    return false;
  const auto together = weight_ + more->weight_;
  if (together > (more->weight_ <= small ? 2 * merged_max : merged_max))
    return false;
  batches_.push_back(std::move(more->batches_[0]));
  replies_.push_back(std::move(more->replies_[0]));
  weight_ += more->weight_;
  return true;
}

void apply_job::fail(caf::error why) {
  for (auto& reply : replies_)
    reply(why);
}

bool apply_job::run(connection& c, bool) {
  writer_.apply(c, batches_);
  for (size_t i = 0; i < batches_.size(); ++i) {
    auto& x = batches_[i];
    x.out.incarnation = c.incarnation();
    if (!x.failure && x.out.moved)
      past_.applied(c, x.batch.partition, x.batch.next_offset);
    if (x.failure)
      replies_[i](std::move(x.failure));
    else
      replies_[i](std::move(x.out));
  }
  return true;
}

} // namespace footfall::postgres
