#include "db/postgres/node_leases.hpp"

#include <algorithm>

#include "db/postgres/statements.hpp"

namespace footfall::postgres {

namespace {

// A node that never came back is forgotten after a day; its partitions were free long before.
constexpr statement join_nodes{"join_nodes", R"(
  WITH forgotten AS (
    DELETE FROM public.cluster_nodes WHERE expires_at < clock_timestamp() - interval '1 day')
  SELECT nextval('core.incarnations'))"};

/// $1 name, $2 incarnation, $3 number, $4 lease in microseconds, $5 whether it drains, $6 reach
/// of the log, $7 roles, $8 address, $9 version, $10 log, $11 what is left of the lease. Its own
/// row is not answered, and no order is made: that is cheaper done here. The sessions are read
/// once, and without what pg_stat_activity tells besides, which would cost more than all the rest.
/// Who may not see when a session began takes it for the beat's. A row that was not changed is read
/// as it was committed last, which is not as the statement saw it first; one that came since the
/// statement began is not seen at all (-1).
const std::string beat_text = std::string(R"(
  WITH up AS (SELECT )") + sql::up_since
                              + R"( AS since),
  sessions AS MATERIALIZED (
    SELECT pg_stat_get_backend_pid(id) AS pid, pg_stat_get_backend_start(id) AS started
      FROM pg_stat_get_backend_idset() id),
  me AS (
    INSERT INTO public.cluster_nodes AS n (name, incarnation, beat, seen_at, expires_at, draining,
                                           log_reach, backend_pid, backend_started, roles,
                                           address, version)
    VALUES ($1, $2, $3, clock_timestamp(),
            clock_timestamp() + $11::bigint * interval '1 microsecond', $5::int <> 0, $6,
            pg_backend_pid(), (SELECT started FROM sessions WHERE pid = pg_backend_pid()),
            $7, $8, $9)
    ON CONFLICT (name) DO UPDATE
      SET incarnation = excluded.incarnation, beat = excluded.beat, seen_at = excluded.seen_at,
          expires_at = excluded.expires_at, draining = excluded.draining,
          log_reach = excluded.log_reach, backend_pid = excluded.backend_pid,
          backend_started = excluded.backend_started, roles = excluded.roles,
          address = excluded.address, version = excluded.version
      WHERE (n.incarnation, n.beat) < (excluded.incarnation, excluded.beat)
    RETURNING incarnation),
  overtaken AS (
    SELECT incarnation FROM public.cluster_nodes
     WHERE name = $1 AND NOT EXISTS (SELECT 1 FROM me) FOR UPDATE),
  nodes AS (
    SELECT n.*, CASE WHEN n.expires_at <= clock_timestamp()
                      AND up.since + $4::bigint * interval '1 microsecond' <= clock_timestamp()
                     THEN 1
                     WHEN n.seen_at > up.since
                      AND (s.pid IS NULL OR s.started <> n.backend_started)
                     THEN 2 ELSE 0 END AS seen
      FROM public.cluster_nodes n CROSS JOIN up LEFT JOIN sessions s ON s.pid = n.backend_pid
     WHERE n.name <> $1),
  parts AS (
    SELECT part, owner, incarnation, epoch, strays, stopped_at, stopped_why,
           CASE WHEN next_offset = stopped_offset THEN stopped_kind END AS stopped_kind
      FROM public.partition_progress
     WHERE topic = (SELECT topic FROM core.current_topics WHERE log = $10))
  SELECT coalesce((SELECT 1 FROM me), (SELECT (incarnation = $2)::int FROM overtaken), -1),
         n.*, p.*, m.*
    FROM (SELECT array_agg(name), array_agg(incarnation), array_agg(beat),
                 array_agg(draining::int), array_agg(log_reach), array_agg(roles), array_agg(seen),
                 array_agg(address), array_agg(version),
                 array_agg((extract(epoch FROM expires_at - clock_timestamp()) * 1000000)::bigint)
            FROM nodes) n,
         (SELECT array_agg(part), array_agg(owner), array_agg(incarnation), array_agg(epoch)
            FROM parts) p,
         (SELECT array_agg(part), array_agg(strays), array_agg(coalesce(stopped_kind, 0)),
                 array_agg((coalesce(extract(epoch FROM clock_timestamp() - stopped_at), 0)
                            * 1000000)::bigint), array_agg(coalesce(stopped_why, ''))
            FROM parts WHERE strays > 0 OR stopped_kind IS NOT NULL) m)";
const statement beat_node{"beat_node", beat_text.c_str()};

/// $1 log, $2 partition, $3 epoch, $4 name, $5 incarnation. The epoch rises, as in the store of
/// tests/simulator: an apply of this epoch that is done later moves nothing.
constexpr statement release_partition{"release_partition", R"(
  UPDATE public.partition_progress SET epoch = epoch + 1, owner = NULL, incarnation = NULL
   WHERE topic = (SELECT topic FROM core.current_topics WHERE log = $1) AND part = $2
     AND epoch = $3 AND owner = $4 AND incarnation = $5
  RETURNING 1)"};

/// $1 log, $2 partition, $3 epoch, $4 name and $5 incarnation (empty and 0: nobody's), $6 kind
/// (0: it goes on), $7 why
constexpr statement mark_stopped_partition{"mark_stopped_partition", R"(
  UPDATE public.partition_progress
     SET stopped_kind = nullif($6::int, 0), stopped_why = nullif($7::text, ''),
         stopped_at = CASE WHEN $6::int <> 0 THEN coalesce(stopped_at, clock_timestamp()) END,
         stopped_offset = CASE WHEN $6::int <> 0 THEN next_offset END
   WHERE topic = (SELECT topic FROM core.current_topics WHERE log = $1) AND part = $2
     AND epoch = $3 AND owner IS NOT DISTINCT FROM nullif($4::text, '')
     AND incarnation IS NOT DISTINCT FROM nullif($5::bigint, 0)
  RETURNING 1)"};

/// $1 name, $2 incarnation
constexpr statement leave_nodes{"leave_nodes", R"(
  DELETE FROM public.cluster_nodes WHERE name = $1 AND incarnation = $2 RETURNING 1)"};

sight sight_of(int32_t x) {
  return x == 1 ? sight::late : x == 2 ? sight::gone : sight::live;
}

/// What a later program may have written besides counts as no trouble.
log_reach reach_of(int32_t x) {
  return x == 1 ? log_reach::fails : x == 2 ? log_reach::lost : log_reach::works;
}

std::vector<node_row> nodes_of(const result& rows) {
  const auto names = rows.texts(0, 1), roles = rows.texts(0, 6);
  const auto addresses = rows.texts(0, 8), versions = rows.texts(0, 9);
  const auto left = rows.int8s(0, 10);
  const auto incarnations = rows.int8s(0, 2), beats = rows.int8s(0, 3);
  const auto draining = rows.int4s(0, 4), reach = rows.int4s(0, 5), seen = rows.int4s(0, 7);
  std::vector<node_row> out;
  for (size_t i = 0; i < names.size(); ++i)
    out.push_back({{names[i], incarnations[i]},
                   sight_of(seen[i]),
                   has_role(roles[i], "aggregate"),
                   draining[i] != 0,
                   reach_of(reach[i]),
                   static_cast<uint64_t>(beats[i]),
                   roles[i],
                   addresses[i],
                   versions[i],
                   left[i]});
  std::sort(out.begin(), out.end(),
            [](const node_row& a, const node_row& b) { return a.id.node < b.id.node; });
  return out;
}

std::vector<partition_owner> partitions_of(const result& rows) {
  const auto parts = rows.int4s(0, 11);
  const auto owners = rows.texts(0, 12);
  const auto incarnations = rows.int8s(0, 13), epochs = rows.int8s(0, 14);
  std::vector<partition_owner> out;
  for (size_t i = 0; i < parts.size(); ++i)
    out.push_back({static_cast<uint32_t>(parts[i]), {owners[i], incarnations[i]}, epochs[i]});
  std::sort(out.begin(), out.end(), [](const partition_owner& a, const partition_owner& b) {
    return a.partition < b.partition;
  });
  return out;
}

/// A kind of stop that only a later program knows is a stop all the same.
stop_kind stop_of(int32_t x) {
  const bool is_known = x >= 0 && x <= static_cast<int32_t>(stop_kind::store_damaged);
  return is_known ? static_cast<stop_kind>(x) : stop_kind::records_lost;
}

std::vector<partition_mark> marks_of(const result& rows) {
  const auto parts = rows.int4s(0, 15), kinds = rows.int4s(0, 17);
  const auto strays = rows.int8s(0, 16), ages = rows.int8s(0, 18);
  const auto whys = rows.texts(0, 19);
  std::vector<partition_mark> out;
  for (size_t i = 0; i < parts.size(); ++i)
    out.push_back({static_cast<uint32_t>(parts[i]), static_cast<uint64_t>(strays[i]),
                   stop_of(kinds[i]), ages[i], whys[i]});
  return out;
}

caf::expected<beat_answer> renew(connection& c, const node_beat& x, const std::string& log) {
  parameters values;
  values.add_text(x.me.node);
  values.add_int8(x.me.incarnation);
  values.add_int8(static_cast<int64_t>(x.number));
  values.add_int8(x.lease_us);
  values.add_int4(x.draining ? 1 : 0);
  values.add_int4(static_cast<int32_t>(x.log));
  for (const auto* text : {&x.roles, &x.address, &x.version, &log})
    values.add_text(*text);
  values.add_int8(x.lease_us - x.spent_us);
  const auto rows = c.run(beat_node, values);
  if (!rows.ok() || rows.rows() == 0)
    return to_error(rows, "cannot renew the lease");
  beat_answer out;
  const auto renewed = rows.int4(0, 0);
  if (renewed < 0)
    return make_error(errc::store_unavailable,
                      "cannot renew the lease: the node's row was made while the beat waited");
  out.renewed = renewed > 0;
  out.nodes = nodes_of(rows);
  if (out.renewed)
    out.nodes.push_back({x.me, sight::live, has_role(x.roles, "aggregate"), x.draining, x.log,
                         x.number, x.roles, x.address, x.version});
  out.partitions = partitions_of(rows);
  add_unclaimed(out.partitions, x.partitions);
  out.marks = marks_of(rows);
  return out;
}

/// Whether a statement that answers the rows it changed found any.
caf::expected<bool> has_changed(const result& rows, const char* what) {
  if (!rows.ok())
    return to_error(rows, what);
  return rows.rows() > 0;
}

} // namespace

node_leases::node_leases(std::string log, job_queue& beats, queue_of writes)
    : log_(std::move(log)), beats_(beats), writes_(std::move(writes)) {}

const char* node_leases::session() {
  return "SET lock_timeout = '2s'";
}

void node_leases::join(done<int64_t> reply) {
  auto work = [](connection& c) -> caf::expected<int64_t> {
    const auto rows = c.run(join_nodes, {});
    if (!rows.ok() || rows.rows() == 0)
      return to_error(rows, "cannot join the nodes");
    return rows.int8(0, 0);
  };
  beats_.push(std::make_unique<call<int64_t>>(work, std::move(reply), true), "join");
}

void node_leases::beat(node_beat x, done<beat_answer> reply) {
  auto work = [x = std::move(x), log = log_](connection& c) { return renew(c, x, log); };
  beats_.push(std::make_unique<call<beat_answer>>(work, std::move(reply), false), "beat");
}

void node_leases::release(uint32_t partition, owner_id me, int64_t epoch, done<bool> reply) {
  auto work = [=, me = std::move(me), log = log_](connection& c) {
    parameters values;
    values.add_text(log);
    values.add_int4(static_cast<int32_t>(partition));
    values.add_int8(epoch);
    values.add_text(me.node);
    values.add_int8(me.incarnation);
    return has_changed(c.run(release_partition, values), "cannot release a partition");
  };
  writes_(partition).push(std::make_unique<call<bool>>(work, std::move(reply), false), "release");
}

void node_leases::mark_stopped(uint32_t partition, owner_id me, int64_t epoch, stop_kind kind,
                               std::string why, done<bool> reply) {
  auto work = [=, me = std::move(me), why = std::move(why), log = log_](connection& c) {
    parameters values;
    values.add_text(log);
    values.add_int4(static_cast<int32_t>(partition));
    values.add_int8(epoch);
    values.add_text(me.node);
    values.add_int8(me.incarnation);
    values.add_int4(static_cast<int32_t>(kind));
    values.add_text(why);
    return has_changed(c.run(mark_stopped_partition, values), "cannot mark a stopped partition");
  };
  writes_(partition).push(std::make_unique<call<bool>>(work, std::move(reply), true), "mark");
}

void node_leases::leave(owner_id me, done<bool> reply) {
  auto work = [me = std::move(me)](connection& c) {
    parameters values;
    values.add_text(me.node);
    values.add_int8(me.incarnation);
    return has_changed(c.run(leave_nodes, values), "cannot leave the nodes");
  };
  beats_.push(std::make_unique<call<bool>>(work, std::move(reply), false), "leave");
}

} // namespace footfall::postgres
