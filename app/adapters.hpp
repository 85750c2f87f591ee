#pragma once

#include <memory>

#include <caf/expected.hpp>

#include "actors/ports/cache.hpp"
#include "actors/ports/event_log.hpp"
#include "actors/ports/metrics.hpp"
#include "actors/ports/store.hpp"
#include "app/data_lock.hpp"
#include "app/settings.hpp"

namespace footfall::app {

/// The ways out of a node: each is chosen by whether its service is configured.
struct adapters {
  std::unique_ptr<data_lock> folder; ///< Null when nothing is embedded.
  std::unique_ptr<event_log> log;
  std::unique_ptr<store> events;
  std::unique_ptr<cache> values;
};

/// Opens what the settings name. Blocks until services answered or failed to.
caf::expected<adapters> open_adapters(const settings& from, metrics& counts);

} // namespace footfall::app
