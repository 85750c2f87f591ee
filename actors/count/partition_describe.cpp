#include <algorithm>

#include "actors/count/partition_active.hpp"
#include "actors/count/partition_pages.hpp"

namespace footfall {

namespace {

model::progress_rules rules_of(const partition_config& from) {
  using std::chrono::microseconds;
  model::progress_rules out;
  out.batch_max = from.batch_max;
  out.fold_max = from.fold_max;
  out.fold_step = from.fold_step;
  out.unfolded_max = from.unfolded_max;
  out.gather_us = microseconds(from.gather).count();
  out.fold_every_us = microseconds(from.fold_every).count();
  return out;
}

} // namespace

void begin(partition_ptr self, partition_config config) {
  auto& st = self->state;
  st.config = std::move(config);
  st.config.unfolded_max =
      std::max<size_t>(st.config.unfolded_max / st.config.partitions, 2 * st.config.fold_max);
  st.progress = model::partition_progress{rules_of(st.config), uint64_t{self->id()} << 32};
  partition_pages::begin(self);
  partition_active::begin(self);
  self->entry()->set_key(std::to_string(st.config.partition));
  self->entry()->set_state("starting");
  self->set_down_handler([self](caf::down_msg& x) { partition_pages::drop_ended(self, x); });
}

void show(partition_ptr self) {
  auto& st = self->state;
  auto& out = *st.config.status;
  out.phase = st.progress.stopped()   ? partition_phase::stopped
              : st.progress.running() ? partition_phase::running
                                      : partition_phase::claiming;
  out.next_offset = st.progress.next_offset();
  out.folded_offset = st.progress.folded_offset();
  out.raise_log_end(std::max(st.progress.log_end(), st.progress.next_offset()));
  out.live_pages = st.pages.size();
}

std::vector<state_field> describe(const partition_state_data& st) {
  auto number = [](auto x) { return std::to_string(x); };
  return {{"partition", number(st.config.partition)},
          {"epoch", number(st.progress.epoch())},
          {"next_offset", number(st.progress.next_offset())},
          {"folded_offset", number(st.progress.folded_offset())},
          {"log_end", number(st.progress.log_end())},
          {"pending_records", number(st.progress.pending_records())},
          {"in_flight_records", number(st.progress.in_flight().size())},
          {"live_pages", number(st.pages.size())},
          {"active_entries", number(st.active.visitors.entries())},
          {"waiting_queries", number(st.waiters.size())}};
}

} // namespace footfall
