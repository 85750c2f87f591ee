#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "actors/access_wire.hpp"
#include "actors/ports/cache.hpp"
#include "actors/ports/event_log.hpp"
#include "actors/ports/peer_links.hpp"
#include "actors/ports/request_handler.hpp"
#include "actors/ports/store.hpp"
#include "proto/page.hpp"
#include "proto/partition.hpp"
#include "proto/peer.hpp"

namespace footfall {

// What ports answer travels as messages too: a callback of a port does nothing
// but send it to the actor that asked.

template <class Inspector>
auto inspect(Inspector& f, applied_row& x) {
  return wire::object(f, "applied_row", x.row, x.page_no, x.user_no, x.type_no);
}
template <class Inspector>
auto inspect(Inspector& f, apply_result& x) {
  return wire::object(f, "apply_result", x.moved, x.fresh, x.duplicates, x.id_conflicts,
                      x.incarnation);
}
template <class Inspector>
auto inspect(Inspector& f, partition_claim& x) {
  return wire::object(f, "partition_claim", x.epoch, x.next_offset, x.folded_offset, x.incarnation,
                      x.generation, x.log_id, x.mark);
}
template <class Inspector>
auto inspect(Inspector& f, folded_page& x) {
  return wire::object(f, "folded_page", x.page_no, x.clicks);
}
template <class Inspector>
auto inspect(Inspector& f, fold_result& x) {
  return wire::object(f, "fold_result", x.moved, x.events, x.pages, x.incarnation);
}
template <class Inspector>
auto inspect(Inspector& f, append_outcome& x) {
  auto status = static_cast<uint8_t>(x.status);
  auto code = static_cast<uint8_t>(x.code);
  auto load = [&]() -> caf::error {
    x.status = static_cast<outcome>(status);
    x.code = static_cast<errc>(code);
    return caf::none;
  };
  return f(caf::meta::type_name("append_outcome"), status, code, x.pos,
           caf::meta::load_callback(load));
}

/// Where the actors of a node are; sent by the supervisor to each of them, and
/// again whenever one was restarted.
struct wiring {
  caf::strong_actor_ptr gateway;
  caf::strong_actor_ptr ingestion;
  caf::strong_actor_ptr reader;
  caf::strong_actor_ptr cache;
  caf::strong_actor_ptr query;
  caf::strong_actor_ptr inspector;
  caf::strong_actor_ptr ownership;               ///< In a cluster only.
  caf::strong_actor_ptr membership;              ///< With links to other nodes only.
  std::vector<caf::strong_actor_ptr> partitions; ///< By number; null: it does not run now.
  /// Those that the log got while it was open. No page lives there.
  std::vector<caf::strong_actor_ptr> added_partitions;

  bool has_partition(size_t number) const {
    return number < partitions.size() + added_partitions.size();
  }
  caf::strong_actor_ptr partition(size_t number) const {
    if (!has_partition(number))
      return nullptr;
    return number < partitions.size() ? partitions[number]
                                      : added_partitions[number - partitions.size()];
  }
};
template <class Inspector>
auto inspect(Inspector& f, wiring& x) {
  return wire::object(f, "wiring", x.gateway, x.ingestion, x.reader, x.cache, x.query, x.inspector,
                      x.ownership, x.membership, x.partitions, x.added_partitions);
}

/// Another node that there is a link to. An actor that its roles leave out is null.
struct peer_route {
  std::string node;
  caf::strong_actor_ptr query, ingestion, inspector;
  bool takes_events = true; ///< It does not drain, and its log works.
  bool operator==(const peer_route&) const = default;
};
template <class Inspector>
auto inspect(Inspector& f, peer_route& x) {
  return wire::object(f, "peer_route", x.node, x.query, x.ingestion, x.inspector, x.takes_events);
}

/// Where questions about pages go; from MEMBERSHIP to GATEWAY and QUERY, at each change.
struct page_routes {
  /// By partition: QUERY of the node that has it; null: the one here.
  std::vector<caf::strong_actor_ptr> queries;
  std::vector<peer_route> peers; ///< By name.
  uint32_t homes = 0;            ///< Partitions that pages live in; 0: as many as there are here.
  bool operator==(const page_routes&) const = default;
};
template <class Inspector>
auto inspect(Inspector& f, page_routes& x) {
  return wire::object(f, "page_routes", x.queries, x.peers, x.homes);
}

template <class Inspector>
auto inspect(Inspector& f, partition_state& x) {
  return wire::object(f, "partition_state", x.partition, x.epoch, x.next_offset, x.folded_offset);
}
template <class Inspector>
auto inspect(Inspector& f, node_row& x) {
  auto seen = static_cast<uint8_t>(x.seen);
  auto log = static_cast<uint8_t>(x.log);
  auto load = [&]() -> caf::error {
    x.seen = static_cast<sight>(seen);
    x.log = static_cast<log_reach>(log);
    return caf::none;
  };
  return f(caf::meta::type_name("node_row"), x.id, seen, x.aggregates, x.draining, log, x.beat,
           x.roles, x.address, x.version, caf::meta::load_callback(load));
}
template <class Inspector>
auto inspect(Inspector& f, beat_answer& x) {
  return wire::object(f, "beat_answer", x.renewed, x.nodes, x.partitions);
}
template <class Inspector>
auto inspect(Inspector& f, cluster_news& x) {
  return wire::object(f, "cluster_news", x.seen, x.homes, x.next_offsets);
}
template <class Inspector>
auto inspect(Inspector& f, pair_count& x) {
  return wire::object(f, "pair_count", x.page_no, x.user_no, x.clicks, x.version);
}
template <class Inspector>
auto inspect(Inspector& f, cache_ask& x) {
  return wire::object(f, "cache_ask", x.page, x.user_no);
}
template <class Inspector>
auto inspect(Inspector& f, cached_count& x) {
  return wire::object(f, "cached_count", x.hit, x.clicks, x.version, x.as_of_us, x.reached);
}
template <class Inspector>
auto inspect(Inspector& f, cache_fill& x) {
  return wire::object(f, "cache_fill", x.page, x.version, x.as_of_us, x.reached, x.user_no,
                      x.clicks, x.read_us);
}
template <class Inspector>
auto inspect(Inspector& f, cache_advance& x) {
  return wire::object(f, "cache_advance", x.page, x.from, x.to, x.as_of_us, x.reached, x.changed);
}
template <class Inspector>
auto inspect(Inspector& f, actor_detail& x) {
  return wire::reply(f, "actor_detail", x, x.row, x.fields);
}
template <class Inspector>
auto inspect(Inspector& f, actors_reply& x) {
  return wire::reply(f, "actors_reply", x, x.rows, x.total, x.nodes);
}

/// What one read of the store gave; the fields that the read does not fill stay
/// empty.
struct store_answer {
  uint64_t batch = 0; ///< As the asking actor numbered it.
  errc code = errc::none;
  std::string reason;
  uint64_t incarnation = 0; ///< 0 when there is no answer but a reason.
  std::vector<position> reached;
  std::vector<pair_count> counts;
  std::vector<page_load> pages;
  std::vector<named_count> rows;
  std::vector<series_point> points;
  std::vector<int32_t> numbers; ///< That `names` stand for.
  std::vector<std::string> names;
};
template <class Inspector>
auto inspect(Inspector& f, store_answer& x) {
  auto code = static_cast<uint8_t>(x.code);
  auto load = [&]() -> caf::error {
    x.code = static_cast<errc>(code);
    return caf::none;
  };
  return f(caf::meta::type_name("store_answer"), x.batch, code, x.reason, x.incarnation, x.reached,
           x.counts, x.pages, x.rows, x.points, x.numbers, x.names, caf::meta::load_callback(load));
}

} // namespace footfall

// Append only: the place in this list is what peers know a type by in CAF 1.x.
CAF_BEGIN_TYPE_ID_BLOCK(footfall, caf::first_custom_type_id)
CAF_ADD_TYPE_ID(footfall, (footfall::click_event))
CAF_ADD_TYPE_ID(footfall, (footfall::position))
CAF_ADD_TYPE_ID(footfall, (std::vector<footfall::position>))
CAF_ADD_TYPE_ID(footfall, (footfall::ingest_ask))
CAF_ADD_TYPE_ID(footfall, (std::vector<footfall::ingest_ask>))
CAF_ADD_TYPE_ID(footfall, (footfall::ingest_answer))
CAF_ADD_TYPE_ID(footfall, (std::vector<footfall::ingest_answer>))
CAF_ADD_TYPE_ID(footfall, (footfall::query_ask))
CAF_ADD_TYPE_ID(footfall, (std::vector<footfall::query_ask>))
CAF_ADD_TYPE_ID(footfall, (footfall::query_answer))
CAF_ADD_TYPE_ID(footfall, (std::vector<footfall::query_answer>))
CAF_ADD_TYPE_ID(footfall, (footfall::page_ask))
CAF_ADD_TYPE_ID(footfall, (std::vector<footfall::page_ask>))
CAF_ADD_TYPE_ID(footfall, (footfall::page_answer))
CAF_ADD_TYPE_ID(footfall, (std::vector<footfall::page_answer>))
CAF_ADD_TYPE_ID(footfall, (footfall::page_delta))
CAF_ADD_TYPE_ID(footfall, (footfall::page_load))
CAF_ADD_TYPE_ID(footfall, (footfall::log_batch))
CAF_ADD_TYPE_ID(footfall, (footfall::apply_result))
CAF_ADD_TYPE_ID(footfall, (footfall::partition_claim))
CAF_ADD_TYPE_ID(footfall, (footfall::fold_result))
CAF_ADD_TYPE_ID(footfall, (std::vector<footfall::append_outcome>))
CAF_ADD_TYPE_ID(footfall, (std::vector<footfall::cache_ask>))
CAF_ADD_TYPE_ID(footfall, (std::vector<footfall::cached_count>))
CAF_ADD_TYPE_ID(footfall, (std::vector<footfall::cache_fill>))
CAF_ADD_TYPE_ID(footfall, (std::vector<footfall::cache_advance>))
CAF_ADD_TYPE_ID(footfall, (footfall::wiring))
CAF_ADD_TYPE_ID(footfall, (footfall::actor_row))
CAF_ADD_TYPE_ID(footfall, (std::vector<footfall::actor_row>))
CAF_ADD_TYPE_ID(footfall, (std::vector<footfall::state_field>))
CAF_ADD_TYPE_ID(footfall, (footfall::actor_detail))
CAF_ADD_TYPE_ID(footfall, (std::vector<footfall::partition_state>))
CAF_ADD_TYPE_ID(footfall, (footfall::store_answer))
CAF_ADD_TYPE_ID(footfall, (std::vector<footfall::event_result>))
CAF_ADD_TYPE_ID(footfall, (footfall::bad_event_page))
CAF_ADD_TYPE_ID(footfall, (footfall::redrive_ask))
CAF_ADD_TYPE_ID(footfall, (footfall::redrive_reply))
CAF_ADD_TYPE_ID(footfall, (footfall::log_view))
CAF_ADD_TYPE_ID(footfall, (footfall::partition_reply))
CAF_ADD_TYPE_ID(footfall, (footfall::audit_ask))
CAF_ADD_TYPE_ID(footfall, (footfall::audit_reply))
CAF_ADD_TYPE_ID(footfall, (footfall::audit_partition))
CAF_ADD_TYPE_ID(footfall, (std::vector<footfall::audit_difference>))
CAF_ADD_TYPE_ID(footfall, (footfall::live_pages))
CAF_ADD_TYPE_ID(footfall, (footfall::page_check))
CAF_ADD_TYPE_ID(footfall, (footfall::actors_reply))
CAF_ADD_TYPE_ID(footfall, (footfall::beat_answer))
CAF_ADD_TYPE_ID(footfall, (footfall::owner_id))
CAF_ADD_TYPE_ID(footfall, (footfall::partition_owner))
CAF_ADD_TYPE_ID(footfall, (footfall::peer_hello))
CAF_ADD_TYPE_ID(footfall, (footfall::peer_way))
CAF_ADD_TYPE_ID(footfall, (footfall::page_routes))
CAF_ADD_TYPE_ID(footfall, (footfall::actors_ask))
CAF_ADD_TYPE_ID(footfall, (footfall::active_ask))
CAF_ADD_TYPE_ID(footfall, (footfall::active_part))
CAF_ADD_TYPE_ID(footfall, (footfall::cluster_news))
CAF_ADD_TYPE_ID(footfall, (footfall::access_rows))
CAF_ADD_TYPE_ID(footfall, (footfall::access_call))
CAF_ADD_TYPE_ID(footfall, (footfall::access_told))
CAF_ADD_TYPE_ID(footfall, (footfall::access_part))
CAF_ADD_TYPE_ID(footfall, (footfall::access_part_taken))
CAF_ADD_TYPE_ID(footfall, (footfall::access_revoked))
CAF_ADD_TYPE_ID(footfall, (footfall::page_recount))

CAF_ADD_ATOM(footfall, footfall::atom, wake, "wake")
CAF_ADD_ATOM(footfall, footfall::atom, tick, "tick")
CAF_ADD_ATOM(footfall, footfall::atom, wire, "wire")
CAF_ADD_ATOM(footfall, footfall::atom, describe, "describe")
CAF_ADD_ATOM(footfall, footfall::atom, list, "list")
CAF_ADD_ATOM(footfall, footfall::atom, listed, "listed")
CAF_ADD_ATOM(footfall, footfall::atom, described, "described")
CAF_ADD_ATOM(footfall, footfall::atom, late, "late")
CAF_ADD_ATOM(footfall, footfall::atom, ingest, "ingest")
CAF_ADD_ATOM(footfall, footfall::atom, ingested, "ingested")
CAF_ADD_ATOM(footfall, footfall::atom, appended, "appended")
CAF_ADD_ATOM(footfall, footfall::atom, query, "query")
CAF_ADD_ATOM(footfall, footfall::atom, answered, "answered")
CAF_ADD_ATOM(footfall, footfall::atom, watch, "watch")
CAF_ADD_ATOM(footfall, footfall::atom, unwatch, "unwatch")
CAF_ADD_ATOM(footfall, footfall::atom, open, "open")
CAF_ADD_ATOM(footfall, footfall::atom, credit, "credit")
CAF_ADD_ATOM(footfall, footfall::atom, batch, "batch")
CAF_ADD_ATOM(footfall, footfall::atom, failed, "failed")
CAF_ADD_ATOM(footfall, footfall::atom, claimed, "claimed")
CAF_ADD_ATOM(footfall, footfall::atom, applied, "applied")
CAF_ADD_ATOM(footfall, footfall::atom, folded, "folded")
CAF_ADD_ATOM(footfall, footfall::atom, progress, "progress")
CAF_ADD_ATOM(footfall, footfall::atom, loaded, "loaded")
CAF_ADD_ATOM(footfall, footfall::atom, delta, "delta")
CAF_ADD_ATOM(footfall, footfall::atom, ask, "ask")
CAF_ADD_ATOM(footfall, footfall::atom, told, "told")
CAF_ADD_ATOM(footfall, footfall::atom, await, "await")
CAF_ADD_ATOM(footfall, footfall::atom, reached, "reached")
CAF_ADD_ATOM(footfall, footfall::atom, passivate, "passivate")
CAF_ADD_ATOM(footfall, footfall::atom, lookup, "lookup")
CAF_ADD_ATOM(footfall, footfall::atom, found, "found")
CAF_ADD_ATOM(footfall, footfall::atom, fill, "fill")
CAF_ADD_ATOM(footfall, footfall::atom, advance, "advance")
CAF_ADD_ATOM(footfall, footfall::atom, forget, "forget")
CAF_ADD_ATOM(footfall, footfall::atom, restart, "restart")
CAF_ADD_ATOM(footfall, footfall::atom, stop, "stop")
CAF_ADD_ATOM(footfall, footfall::atom, redrive, "redrive")
CAF_ADD_ATOM(footfall, footfall::atom, marked, "marked")
CAF_ADD_ATOM(footfall, footfall::atom, renewed, "renewed")
CAF_ADD_ATOM(footfall, footfall::atom, looked, "looked")
CAF_ADD_ATOM(footfall, footfall::atom, adopted, "adopted")
CAF_ADD_ATOM(footfall, footfall::atom, reclaim, "reclaim")
CAF_ADD_ATOM(footfall, footfall::atom, skip, "skip")
CAF_ADD_ATOM(footfall, footfall::atom, audit, "audit")
CAF_ADD_ATOM(footfall, footfall::atom, pages, "pages")
CAF_ADD_ATOM(footfall, footfall::atom, check, "check")
CAF_ADD_ATOM(footfall, footfall::atom, own, "own")
CAF_ADD_ATOM(footfall, footfall::atom, release, "release")
CAF_ADD_ATOM(footfall, footfall::atom, released, "released")
CAF_ADD_ATOM(footfall, footfall::atom, disown, "disown")
CAF_ADD_ATOM(footfall, footfall::atom, fenced, "fenced")
CAF_ADD_ATOM(footfall, footfall::atom, close, "close")
CAF_ADD_ATOM(footfall, footfall::atom, joined, "joined")
CAF_ADD_ATOM(footfall, footfall::atom, beat, "beat")
CAF_ADD_ATOM(footfall, footfall::atom, left, "left")
CAF_ADD_ATOM(footfall, footfall::atom, linked, "linked")
CAF_ADD_ATOM(footfall, footfall::atom, known, "known")
CAF_ADD_ATOM(footfall, footfall::atom, hello, "hello")
CAF_ADD_ATOM(footfall, footfall::atom, welcome, "welcome")
CAF_ADD_ATOM(footfall, footfall::atom, refused, "refused")
CAF_ADD_ATOM(footfall, footfall::atom, owns, "owns")
CAF_ADD_ATOM(footfall, footfall::atom, down, "down")
CAF_ADD_ATOM(footfall, footfall::atom, look, "look")
CAF_ADD_ATOM(footfall, footfall::atom, route, "route")
CAF_ADD_ATOM(footfall, footfall::atom, active, "active")
CAF_ADD_ATOM(footfall, footfall::atom, news, "news")
CAF_ADD_ATOM(footfall, footfall::atom, access, "access")
CAF_END_TYPE_ID_BLOCK(footfall)
