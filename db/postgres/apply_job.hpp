#pragma once

#include <vector>

#include "db/postgres/lane.hpp"
#include "db/postgres/writer.hpp"

namespace footfall::postgres {

/// Applies batches. Those of several partitions that wait together become one
/// statement: what a statement costs before its first row is paid once.
class apply_job final : public job {
public:
  using done = store::done<apply_result>;
  apply_job(writer& to, incarnations& past, apply_request batch, done reply);
  /// Never runs twice: a batch whose answer was lost may have been applied.
  bool run(connection& c, bool last_try) override;
  void fail(caf::error why) override;
  bool absorb(job& other) override;
  int64_t waits_since_us() const override { return batches_[0].batch.oldest_us; }

private:
  bool has(uint32_t partition) const;

  writer& writer_;
  incarnations& past_;
  std::vector<apply_work> batches_;
  std::vector<done> replies_;
  size_t weight_;
};

} // namespace footfall::postgres
