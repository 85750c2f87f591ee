#pragma once

#include "actors/messages.hpp"

/// Every actor and every message it accepts. Read this first.
///
/// Answers come back as messages of their own that carry a ticket or a batch
/// number (`ingested`, `answered`, `told`, ...): one message holds many requests,
/// each request has its deadline with the gateway, and nobody waits.
namespace footfall {

using wire::rpc;

/// PAGE AGGREGATOR: owns the live committed counts of exactly one page.
using page_aggregator_actor = caf::typed_actor<
    // The snapshot to start from.
    rpc<void(atom::loaded, page_load, std::vector<position>)>,
    // The snapshot could not be read; who waits is told, then the actor ends.
    rpc<void(atom::failed, caf::error)>,
    // Clicks that a batch added to the page, after their commit.
    rpc<void(atom::delta, page_delta)>,
    // A question, with how far the partition has applied; answered by `told`.
    rpc<void(atom::ask, page_ask, position, caf::strong_actor_ptr)>,
    // As ask, and again at each change, while it is renewed every few seconds.
    rpc<void(atom::watch, page_ask, position, caf::strong_actor_ptr)>,
    // Not needed now: ends.
    rpc<void(atom::passivate)>,
    // Compares itself with a snapshot of the store, for an audit.
    rpc<page_check(atom::check, page_load)>,
    // INTERNAL: tells the watchers what changed.
    rpc<void(atom::tick)>,
    // The state, for people.
    rpc<std::vector<state_field>(atom::describe)>>;

/// PARTITION: the only writer of its slice of the event log.
using partition_actor = caf::typed_actor<
    // INTERNAL: the store's answers, with the claim they belong to.
    rpc<void(atom::claimed, uint64_t, partition_claim)>, rpc<void(atom::adopted, uint64_t, bool)>,
    rpc<void(atom::marked, uint64_t, bool)>, rpc<void(atom::applied, uint64_t, apply_result)>,
    rpc<void(atom::folded, uint64_t, fold_result)>,
    rpc<void(atom::progress, uint64_t, std::vector<partition_state>)>,
    rpc<void(atom::loaded, uint64_t, store_answer)>,
    // INTERNAL: what the log is and holds, asked for the claim.
    rpc<void(atom::looked, uint64_t, log_view)>,
    // Claim, apply, fold, progress or the log failed; the atom says which.
    rpc<void(atom::failed, uint64_t, caf::atom_value, caf::error)>,
    // INTERNAL: timers; the atom says which.
    rpc<void(atom::tick, uint64_t, caf::atom_value)>,
    // Consecutive records, against credit, with the claim they were opened for.
    rpc<void(atom::batch, uint64_t, log_batch)>,
    // Questions about pages; answered by `told`, from here or by an aggregator.
    rpc<void(atom::ask, std::vector<page_ask>)>,
    // A question that is answered again at each change; renew it every second.
    rpc<void(atom::watch, page_ask)>,
    // Who is active on its pages; answered by `active`, as long as it may be asked.
    rpc<void(atom::active, active_ask)>,
    // Answered by `reached` once the offset is applied.
    rpc<void(atom::await, uint64_t, int64_t)>,
    // The store is another incarnation: what was read from it is void.
    rpc<void(atom::renewed, uint64_t)>,
    // Claims again, also when it is stopped.
    rpc<void(atom::reclaim)>,
    // From OWNERSHIP, in a cluster: it is this node's, with that claim; it is to be given
    // away once the apply under way has ended (`released` then); it is another's, at once.
    rpc<void(atom::own, partition_claim)>, rpc<void(atom::release)>, rpc<void(atom::disown)>,
    // Goes on at an offset, without the records before it. Only when it is stopped.
    rpc<partition_reply(atom::skip, int64_t)>,
    // Clicks of a page of this partition that another one applied; and that it may have
    // applied some of which it knows nothing: the live pages may lack them.
    rpc<void(atom::delta, page_delta)>, rpc<void(atom::forget)>,
    // For an audit: the live pages, so many at most, the last used first; and one of them
    // beside a snapshot of the store.
    rpc<live_pages(atom::pages, uint32_t)>, rpc<page_check(atom::check, std::string, page_load)>,
    rpc<void(atom::wire, wiring)>, rpc<std::vector<state_field>(atom::describe)>>;

/// OWNERSHIP: holds this node's lease in the store, and with it partitions; in a cluster only.
using ownership_actor = caf::typed_actor<
    // From a partition: nothing of it is under way with that epoch any more; another claim
    // was later; only another claim can tell where it stands.
    rpc<void(atom::released, uint32_t, int64_t)>, rpc<void(atom::fenced, uint32_t, int64_t)>,
    rpc<void(atom::reclaim, uint32_t, int64_t)>,
    // INTERNAL: the store's answers, with the number of what was asked.
    rpc<void(atom::joined, uint64_t, int64_t)>, rpc<void(atom::beat, uint64_t, beat_answer)>,
    rpc<void(atom::claimed, uint64_t, uint32_t, partition_claim)>,
    rpc<void(atom::released, uint64_t, partition_owner, bool)>,
    rpc<void(atom::progress, uint64_t, std::vector<partition_state>)>,
    rpc<void(atom::left, uint64_t, bool)>,
    // INTERNAL: the store failed; the atom says at what, and of which partition.
    rpc<void(atom::failed, uint64_t, caf::atom_value, caf::error)>,
    rpc<void(atom::failed, uint64_t, caf::atom_value, uint32_t, caf::error)>,
    // INTERNAL: time passes.
    rpc<void(atom::tick, uint64_t)>,
    // From MEMBERSHIP: the link to a node is lost; another node gave something away.
    rpc<void(atom::down, std::string)>, rpc<void(atom::look)>,
    // Gives everything away, and leaves the cluster.
    rpc<void(atom::stop)>, rpc<void(atom::wire, wiring)>,
    rpc<std::vector<state_field>(atom::describe)>>;

/// MEMBERSHIP: links this node to the others, tells who owns what, hands out their actors; in
/// a cluster only. What `FROM OUTSIDE` stands at comes from a MEMBERSHIP of another node.
using membership_actor = caf::typed_actor<
    // From OWNERSHIP: this process, and who is there as the store says; a partition that this
    // node took or gave away, which all peers are told.
    rpc<void(atom::beat, owner_id, beat_answer)>, rpc<void(atom::own, partition_owner)>,
    // INTERNAL: a dial was answered; who has sent a hello; either failed. By number.
    rpc<void(atom::linked, uint64_t, peer_way)>, rpc<void(atom::known, uint64_t, peer_way)>,
    rpc<void(atom::failed, uint64_t, caf::error)>,
    // FROM OUTSIDE: a greeting, and its answer; again whenever the actors in it changed.
    rpc<void(atom::hello, peer_hello)>, rpc<void(atom::welcome, peer_hello)>,
    // FROM OUTSIDE: why there is no link.
    rpc<void(atom::refused, std::string)>,
    // FROM OUTSIDE, to a node without a store: who is there and owns what, as another's store says.
    rpc<void(atom::news, cluster_news)>,
    // FROM OUTSIDE, to a node without a store: who may what, part by part; and that one arrived.
    rpc<void(atom::access, access_part)>, rpc<void(atom::access, access_part_taken)>,
    // FROM OUTSIDE, between nodes with a store that is away: keys that were revoked meanwhile.
    rpc<void(atom::access, access_revoked)>,
    // FROM OUTSIDE, to a node with a store: for its desk; what the desk said.
    rpc<void(atom::access, access_call)>, rpc<void(atom::access, access_told)>,
    // From the edge of a node without a store: for the desk of one that has one.
    rpc<void(atom::ask, access_call)>,
    // INTERNAL: the desk here said that.
    rpc<void(atom::told, access_told)>,
    // FROM OUTSIDE: a partition has this owner, or none, from this epoch on.
    rpc<void(atom::owns, partition_owner)>,
    // INTERNAL: time passes.
    rpc<void(atom::tick)>, rpc<void(atom::wire, wiring)>,
    rpc<std::vector<state_field>(atom::describe)>>;

/// LOG READER: owns the subscription of the node to the event log.
using log_reader_actor = caf::typed_actor<
    // Starts a partition at an offset, for a claim; forgets what was under way for it.
    rpc<void(atom::open, uint32_t, int64_t, uint64_t)>,
    // Nobody here reads the partition any more.
    rpc<void(atom::close, uint32_t)>,
    // The partition may be sent so many more batches.
    rpc<void(atom::credit, uint32_t, uint32_t)>,
    // INTERNAL: the log's answers, with the claim they belong to.
    rpc<void(atom::batch, uint64_t, log_batch)>,
    rpc<void(atom::failed, uint64_t, uint32_t, caf::error)>,
    // INTERNAL: tries a failed fetch again.
    rpc<void(atom::tick, uint64_t, uint32_t)>,
    // Records below the offset are applied.
    rpc<void(atom::applied, uint32_t, int64_t)>, rpc<void(atom::wire, wiring)>,
    rpc<std::vector<state_field>(atom::describe)>>;

/// INGESTION: validates, stamps, appends; answers when the log says durable.
using ingestion_actor = caf::typed_actor<
    // Answered by `ingested`, at once for what is refused.
    rpc<void(atom::ingest, std::vector<ingest_ask>)>,
    // INTERNAL: the log's delivery report.
    rpc<void(atom::appended, uint64_t, std::vector<append_outcome>)>,
    rpc<std::vector<state_field>(atom::describe)>>;

/// CACHE MANAGER: the only one that talks to the cache.
using cache_manager_actor = caf::typed_actor<
    // Each with the store's incarnation that its numbers are of; those of an older one
    // are dropped, and never found. Counts of (page, user) pairs, answered by `found` with
    // the same number, if ever.
    rpc<void(atom::lookup, uint64_t, uint64_t, std::vector<cache_ask>)>,
    rpc<void(atom::fill, uint64_t, std::vector<cache_fill>)>,
    // Pages that moved on.
    rpc<void(atom::advance, uint64_t, std::vector<cache_advance>)>,
    // Pages may have moved on without a word.
    rpc<void(atom::forget)>,
    // The store is another incarnation: what was read from it is void.
    rpc<void(atom::renewed, uint64_t)>, rpc<std::vector<state_field>(atom::describe)>>;

/// QUERY: cache, then page aggregator, then store; identical misses are one lookup.
using query_actor = caf::typed_actor<
    // Answered by `answered`, each as soon as it is known.
    rpc<void(atom::query, std::vector<query_ask>)>,
    // As a page query, answered at each change until `unwatch`.
    rpc<void(atom::watch, query_ask)>, rpc<void(atom::unwatch, uint64_t)>,
    // INTERNAL: from partitions and page aggregators.
    rpc<void(atom::told, std::vector<page_answer>)>,
    // From QUERY of another node: passed on to the partitions here, which answer that one. And
    // what partitions answer, of this node and others.
    rpc<void(atom::active, active_ask)>, rpc<void(atom::active, active_part)>,
    // From MEMBERSHIP: who else has partitions.
    rpc<void(atom::route, page_routes)>,
    // How far a partition is, and in which incarnation of the store.
    rpc<void(atom::reached, uint64_t, position, uint64_t)>,
    // From the cache manager, in the order of the lookup's pairs.
    rpc<void(atom::found, uint64_t, std::vector<cached_count>)>,
    // INTERNAL: from the store.
    rpc<void(atom::loaded, store_answer)>,
    // The store is another incarnation: what was read from it is void.
    rpc<void(atom::renewed, uint64_t)>,
    // INTERNAL: deadlines, and renewing watches.
    rpc<void(atom::tick)>, rpc<void(atom::wire, wiring)>,
    rpc<std::vector<state_field>(atom::describe)>>;

/// GATEWAY: turns client requests into actor requests; keeps their deadlines.
using gateway_actor = caf::typed_actor<
    // Requests wait in the inbox that threads outside share with the gateway.
    rpc<void(atom::wake)>, rpc<void(atom::ingested, std::vector<ingest_answer>)>,
    rpc<void(atom::answered, std::vector<query_answer>)>,
    // From MEMBERSHIP: which QUERY to ask about which pages.
    rpc<void(atom::route, page_routes)>,
    // INTERNAL: deadlines.
    rpc<void(atom::tick)>, rpc<void(atom::wire, wiring)>,
    rpc<std::vector<state_field>(atom::describe)>>;

/// INSPECTOR: shows the actors of its node, and those of others that it asks.
using inspector_actor = caf::typed_actor<
    rpc<actors_reply(atom::list, actors_ask)>,
    rpc<actor_detail(atom::describe, std::string, uint64_t)>,
    // From INSPECTOR of another node, which numbers what it asks; what comes back has the number.
    rpc<void(atom::list, uint64_t, actors_ask)>, rpc<void(atom::listed, uint64_t, actors_reply)>,
    rpc<void(atom::describe, uint64_t, uint64_t)>,
    rpc<void(atom::described, uint64_t, actor_detail)>,
    // From MEMBERSHIP: who can be asked.
    rpc<void(atom::route, page_routes)>,
    // INTERNAL: the time of what was asked is up; an actor here told of itself.
    rpc<void(atom::late, uint64_t)>, rpc<std::vector<state_field>(atom::describe)>>;

/// REDRIVER: appends bad events that are events by today's rules to the log again.
using redriver_actor = caf::typed_actor<
    // Answered when every event has its outcome and the bad ones are marked.
    rpc<redrive_reply(atom::redrive, redrive_ask)>,
    // INTERNAL: the store's bad events, what ingestion said, the store's marks; each
    // with the number of the request.
    rpc<void(atom::loaded, uint64_t, bad_event_page)>,
    rpc<void(atom::ingested, uint64_t, std::vector<event_result>)>,
    rpc<void(atom::marked, uint64_t, uint64_t)>,
    // INTERNAL: the store failed.
    rpc<void(atom::failed, uint64_t, caf::error)>, rpc<std::vector<state_field>(atom::describe)>>;

/// AUDITOR: compares what the store, the log and the live pages know, one audit at a time.
using auditor_actor = caf::typed_actor<
    rpc<audit_reply(atom::audit, audit_ask)>,
    // INTERNAL: the store's answers and the partitions', each with the step it belongs to.
    rpc<void(atom::progress, uint64_t, std::vector<partition_state>)>,
    rpc<void(atom::audit, uint64_t, std::vector<audit_difference>)>,
    rpc<void(atom::audit, uint64_t, page_recount)>,
    rpc<void(atom::found, uint64_t, audit_partition)>,
    rpc<void(atom::loaded, uint64_t, caf::atom_value, store_answer)>,
    rpc<void(atom::reached, uint64_t, position, uint64_t)>,
    // INTERNAL: a step takes too long; the store failed.
    rpc<void(atom::tick, uint64_t)>, rpc<void(atom::failed, uint64_t, caf::atom_value, caf::error)>,
    rpc<void(atom::wire, wiring)>, rpc<std::vector<state_field>(atom::describe)>>;

/// SUPERVISOR: starts, watches and restarts the others; root of the tree.
using supervisor_actor = caf::typed_actor<
    // INTERNAL: the store is another incarnation; tells all whom it concerns.
    rpc<void(atom::renewed, uint64_t)>,
    // INTERNAL: starts a child again after its backoff.
    rpc<void(atom::restart, uint32_t)>,
    // INTERNAL: starts children that came to be needed.
    rpc<void(atom::tick)>,
    // Stops everything in order.
    rpc<void(atom::stop)>, rpc<std::vector<state_field>(atom::describe)>>;

} // namespace footfall
