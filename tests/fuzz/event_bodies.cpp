/// What is read from a body and let through by validate() can be written to the log and read back
/// as what it was.
#include "actors/model/event_json.hpp"
#include "actors/model/record.hpp"
#include "actors/model/validate.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace footfall;
using namespace footfall::fuzz;

namespace {

void store(model::parsed_event parsed) {
  auto& event = parsed.event;
  if (!parsed.reason.empty() || model::validate(event))
    return;
  if (event.event_id.empty())
    event.event_id = "made";
  if (event.at_us == unset_time)
    event.at_us = 1'700'000'000'000'000;
  log_entry entry;
  entry.value = model::encode_record(event, 1'700'000'000'000'001);
  event_row row;
  require(model::decode_record(entry, row).empty(), "what was let through is read back");
  require(row.site_id == event.site_id && row.event_id == event.event_id
              && row.user_id == event.user_id && row.event_type == event.event_type
              && row.page_url == event.page_url && row.at_us == event.at_us,
          "as what it was", entry.value);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static model::event_json_parser parser;
  const auto text = text_of(data, size);
  store(parser.parse_event(text));
  std::vector<model::parsed_event> events;
  constexpr size_t most = 50;
  if (parser.parse_batch(text, most, events).empty())
    require(events.size() <= most, "no more events than asked for");
  for (auto& x : events)
    store(std::move(x));
  parser.parse_pair(text);
  return 0;
}
