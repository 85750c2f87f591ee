#pragma once

#include <caf/actor_system_config.hpp>

namespace footfall {

/// Tells `config` of all that actors send each other (actors/messages.hpp), before its system
/// begins. Apart from the messages, because the code of it takes half a minute to compile.
void add_messages(caf::actor_system_config& config);

} // namespace footfall
