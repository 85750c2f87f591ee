#pragma once

#include "actors/tend/auditor.hpp"

/// The part of an audit that compares live pages with the store.
namespace footfall::audit_pages {

/// Asks the partitions for their live pages; ends in finish_audit().
void begin(auditor_ptr self);
/// The same of one page that may be live.
void look_at(auditor_ptr self, uint32_t home, std::string page);
void take_loads(auditor_ptr self, caf::atom_value step, store_answer& snapshot);
void take_reached(auditor_ptr self);
/// The partitions did not get in time to where the store is.
void give_up_waiting(auditor_ptr self);

} // namespace footfall::audit_pages
