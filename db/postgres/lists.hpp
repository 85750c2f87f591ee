#pragma once

#include <string>
#include <vector>

#include "actors/ports/store.hpp"
#include "db/postgres/connection.hpp"

/// The lists of a store, each read in one statement and so in one snapshot:
/// aggregates plus the rows not yet folded.
namespace footfall::postgres {

caf::expected<snapshot<named_count>> top_pages(connection& c, const std::string& topic,
                                               const std::string& site_id, int64_t from_us,
                                               int64_t to_us, uint32_t limit);

caf::expected<snapshot<series_point>> minutes(connection& c, const std::string& topic,
                                              const page_key& key, int64_t from_us, int64_t to_us);

caf::expected<snapshot<named_count>> top_users(connection& c, const std::string& topic,
                                               const page_key& key, uint32_t limit);

caf::expected<snapshot<std::string>> user_names(connection& c, const std::vector<int32_t>& xs);
caf::expected<snapshot<std::string>> type_names(connection& c, const std::vector<int32_t>& xs);

caf::expected<std::vector<partition_state>> progress(connection& c, const std::string& topic);

/// Recounts everything from the raw rows below the folded positions.
caf::expected<std::vector<audit_difference>> audit(connection& c);
caf::expected<page_recount> audit_page(connection& c, const page_key& key);

} // namespace footfall::postgres
