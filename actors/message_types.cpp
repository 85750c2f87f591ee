#include "actors/message_types.hpp"

#include "actors/messages.hpp"

namespace footfall {

void add_messages(caf::actor_system_config& config) {
  config.add_message_types<caf::id_block::footfall>();
}

} // namespace footfall
