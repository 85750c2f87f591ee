#include "actors/count/partition.hpp"

namespace footfall {

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
          {"waiting_queries", number(st.waiters.size())}};
}

} // namespace footfall
