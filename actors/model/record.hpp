#pragma once

#include <string>
#include <string_view>

#include "proto/bad_event.hpp"
#include "proto/event.hpp"
#include "proto/record.hpp"

namespace footfall::model {

/// Key of an event's record: the page, after "site NUL" unless the site is the
/// default one. Events of one page share a key and so a partition.
std::string record_key(std::string_view site_id, std::string_view page_url);

/// Kafka's default hash of a key (murmur2, as Java clients use) and the partition
/// it gives, so that every producer in every language agrees.
uint32_t murmur2(std::string_view key) noexcept;
uint32_t partition_of(std::string_view key, uint32_t partitions) noexcept;

/// The record's value: footfall.v1.ClickEvent. `event` has passed validate() and
/// has its id and time.
std::string encode_record(const click_event& event, int64_t received_at_us);

/// Reads a record. A pure function of the entry: no clock, no configuration.
/// @returns an empty text and fills `out`, or the reason why it is poison.
std::string decode_record(const log_entry& entry, event_row& out);

/// When the event of a record arrived: as its producer's ingestion wrote it, else when
/// the log took it. Looks at no more of the record than that.
int64_t arrival_of(const log_entry& entry) noexcept;

/// Reads a bad event once more, by today's rules. Its headers are not kept, so its
/// bytes alone say whether it is JSON.
/// @returns an empty text and fills `out`, whose id and time are set, or why it is
/// still no event.
std::string read_again(const bad_event& bad, click_event& out);

} // namespace footfall::model
