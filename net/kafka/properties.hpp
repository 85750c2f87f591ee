#pragma once

#include <string>
#include <string_view>

namespace footfall::kafka {

/// Why nobody but Footfall sets the property of librdkafka; empty: anybody may. Every property
/// that a client of ours is made with is among them.
std::string_view reserved_for(std::string_view name);

/// What is wrong with a property that somebody wants to set, in librdkafka's own words where it
/// does not take it; empty: nothing. They may repeat the value.
std::string property_fault(const std::string& name, const std::string& value);

/// True when its value is not for everybody's eyes.
bool is_secret_property(std::string_view name);

} // namespace footfall::kafka
