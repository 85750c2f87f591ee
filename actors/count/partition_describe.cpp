#include "actors/count/partition.hpp"

namespace footfall {

std::vector<state_field> describe(const partition_state_data& st) {
  auto number = [](auto x) { return std::to_string(x); };
  return {{"partition", number(st.config.partition)},
          {"epoch", number(st.epoch)},
          {"next_offset", number(st.next_offset)},
          {"folded_offset", number(st.folded_offset)},
          {"log_end", number(st.log_end)},
          {"pending_records", number(st.pending.size())},
          {"in_flight_records", number(st.in_flight.size())},
          {"live_pages", number(st.pages.size())},
          {"waiting_queries", number(st.waiters.size())}};
}

} // namespace footfall
