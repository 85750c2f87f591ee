#pragma once

#include <memory>

#include <caf/expected.hpp>

#include "actors/ports/cache.hpp"
#include "actors/ports/event_log.hpp"
#include "actors/ports/metrics.hpp"
#include "actors/ports/store.hpp"
#include "actors/tend/node_watch.hpp"
#include "app/data_lock.hpp"
#include "app/settings.hpp"
#include "db/postgres/tenure.hpp"

namespace footfall::app {

/// The ways out of a node: each is chosen by whether its service is configured.
struct adapters {
  std::unique_ptr<data_lock> folder;          ///< Null when nothing is embedded.
  std::unique_ptr<postgres::tenure> database; ///< Null when the store is embedded.
  std::unique_ptr<event_log> log;
  std::unique_ptr<store> events;
  std::unique_ptr<cache> values;
};

/// What stands behind each port, for people, with what to look at when it fails.
struct adapter_parts {
  node_part log, store, cache;
  std::string partitions_hint;
};
adapter_parts describe_adapters(const settings& from);

/// Brings the schema of the store that the settings name, and of an embedded log, to this
/// program's version; a node does the same when it starts. Kafka and Redis are not asked.
/// @returns a line for people: where, and which version it has now.
caf::expected<std::string> bring_up_to_date(const settings& from);

/// Opens what the settings name and `out` does not have yet. Blocks until services answered
/// or failed to; what was opened before a failure stays in `out`.
caf::error open_missing(const settings& from, metrics& counts, adapters& out);

} // namespace footfall::app
