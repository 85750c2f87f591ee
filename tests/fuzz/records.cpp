/// Records of a log that others write to as well: each is an event that the stores can hold, or is
/// refused with a reason; twice the same.
#include "actors/model/record.hpp"
#include "actors/model/validate.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace footfall;
using namespace footfall::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  for (const auto format : {record_format::protobuf, record_format::json}) {
    log_entry entry;
    entry.time_us = 1'700'000'000'000'000;
    entry.format = format;
    entry.value = text_of(data, size);
    event_row row, again;
    const auto why = model::decode_record(entry, row);
    require(model::decode_record(entry, again) == why, "refused alike", why);
    model::arrival_of(entry);
    if (!why.empty()) {
      require(model::is_storable_text(why), "a reason that can be stored", why);
      continue;
    }
    for (const auto* text :
         {&row.site_id, &row.event_id, &row.user_id, &row.event_type, &row.page_url})
      require(!text->empty() && model::is_storable_text(*text), "text that can be stored", *text);
    require(row.key == again.key && row.at_us == again.at_us
                && row.payload_hash == again.payload_hash,
            "read alike");
  }
  return 0;
}
