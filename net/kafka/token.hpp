#pragma once

#include <string>

#include <librdkafka/rdkafka.h>

namespace footfall::kafka {

/// Gives the client the bearer token that is in the file now. librdkafka asks for it again when
/// four fifths of the time that the token says are over, or after ten seconds where there was
/// no good one; a token that says no time is read again after four minutes.
void give_token(rd_kafka_t* client, const std::string& path);

} // namespace footfall::kafka
