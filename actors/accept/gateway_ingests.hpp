#pragma once

#include <vector>

#include "actors/accept/gateway.hpp"

/// The events of GATEWAY: who takes them, and what becomes of them.
namespace footfall::gateway_ingests {

void start(gateway_ptr self, std::vector<gateway_inbox::ingest_item>& items, int64_t now_us);

/// From the INGESTION that took them, here or at another node.
void take_ingested(gateway_ptr self, std::vector<ingest_answer>& answers);

/// Another INGESTION is here, perhaps none. To be called before GATEWAY learns of it.
void end_those_here(gateway_ptr self);
/// Gives what is held to INGESTION, if there is one.
void give(gateway_ptr self);

/// What a node has that is lost is answered unknown: nobody gets it a second time.
void take_routes(gateway_ptr self);

/// Answers those whose time is up.
void expire(gateway_ptr self, int64_t now_us);

/// GATEWAY ends: all are answered.
void end_all(gateway_state& st);

} // namespace footfall::gateway_ingests
