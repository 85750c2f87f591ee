#include "actors/count/partition_times.hpp"

#include <algorithm>
#include <limits>

#include "actors/model/record.hpp"

namespace footfall::partition_times {

void looked(partition_ptr self, const log_view& log) {
  auto& st = self->state;
  const auto& claimed = st.claimed;
  const auto before = st.config.status->generation.exchange(claimed.generation);
  const bool is_other = before != 0 && before != claimed.generation;
  const auto latest = log.at.empty() ? 0 : model::arrival_of(log.at.front());
  if (is_other) {
    st.config.status->log_end = log.end;
    st.progress.forget_log_end();
  } else if (!st.progress.running()) {
    st.config.status->raise_log_end(log.end); // It is to be seen before the first is read.
  }
  st.config.status->with_backlog([&](auto& x) {
    if (!st.progress.running()) {
      if (is_other)
        x.forget_offsets();
      const model::backlog::standing all{log.end, st.config.log->overtaken_most().count()};
      const auto steady = st.config.steady();
      if (st.config.leased)
        x.start_among_others(claimed.next_offset, latest, st.config.batch_max, steady, all);
      else
        x.start(claimed.next_offset, latest, st.config.batch_max, steady, all);
    }
    x.reach(log.end);
  });
}

void start(partition_ptr self) {
  self->state.config.status->stopped_at_us = 0;
}

void doubt(partition_ptr self) {
  auto& stopped_at_us = self->state.config.status->stopped_at_us;
  if (stopped_at_us == 0)
    stopped_at_us = 1;
}

void stop(partition_ptr self) {
  auto& config = self->state.config;
  config.status->stopped_at_us = config.node->as_of_page(config.partition, config.now);
}

void learn(partition_ptr self, const log_batch& batch) {
  auto& st = self->state;
  auto& status = *st.config.status;
  const auto end = batch.entries.empty() ? batch.first_offset : batch.entries.back().offset + 1;
  const auto first =
      status.with_backlog([&](const auto& x) { return x.first_unknown(batch.first_offset, end); });
  int64_t oldest = std::numeric_limits<int64_t>::max();
  int64_t latest = 0;
  for (const auto& entry : batch.entries)
    if (entry.offset >= first) {
      latest = model::arrival_of(entry);
      oldest = std::min(oldest, latest);
    }
  const auto steady = st.config.steady();
  status.with_backlog([&](auto& x) {
    x.learn(first, end, oldest, latest, steady);
    x.learn(end, batch.next_offset, st.config.now(), 0, steady); // Nothing waits where none is.
    x.reach(batch.end_offset);
  });
}

void measure(partition_ptr self, const apply_result& result) {
  auto& st = self->state;
  auto& counts = *st.config.counts;
  counts.apply_duration.observe(st.config.steady() - st.sent_at_us);
  add(counts.applies);
  add(counts.events_applied, result.fresh.size());
  add(counts.events_duplicate, result.duplicates);
  add(counts.id_conflicts, result.id_conflicts);
  for (size_t i = 0; i < result.fresh.size();) {
    const auto arrived = st.in_flight_rows[result.fresh[i].row].received_at_us;
    uint64_t together = 0; // Events of one request, which stand beside one another.
    for (; i < result.fresh.size(); ++i, ++together)
      if (st.in_flight_rows[result.fresh[i].row].received_at_us != arrived)
        break;
    counts.freshness.observe(st.applied_at_us - arrived, together);
  }
}

void applied(partition_ptr self) {
  auto& st = self->state;
  const auto& rows = st.in_flight_rows;
  st.config.status->with_backlog([&](auto& x) {
    x.apply(st.progress.next_offset(), rows.empty() ? 0 : rows.back().received_at_us,
            st.config.steady());
  });
}

} // namespace footfall::partition_times
