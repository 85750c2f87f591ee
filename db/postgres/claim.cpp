#include "db/postgres/claim.hpp"

#include "db/postgres/statements.hpp"

namespace footfall::postgres {

namespace {

result claim_once(connection& c, known_generation& known, uint32_t partition, int64_t above,
                  const lease_claim* by) {
  auto now = known.get();
  if (auto done = read_generation(c, known.log(), now); !done.ok())
    return done;
  known.set(now);
  parameters values;
  values.add_text(now.topic);
  values.add_int4(static_cast<int32_t>(partition));
  if (auto done = c.run(sql::add_progress, values); !done.ok())
    return done;
  values.add_int8(above);
  const owner_id nobody;
  const auto& me = by ? by->me : nobody;
  values.add_text(me.node);
  values.add_int8(me.incarnation);
  if (!by)
    return c.run(sql::claim, values);
  values.add_int8(by->epoch);
  values.add_text(by->owner.node);
  values.add_int8(by->owner.incarnation);
  values.add_int4(by->early ? 1 : 0);
  return c.run(sql::claim_lease, values);
}

} // namespace

caf::expected<partition_claim> claim_partition(connection& c, known_generation& now,
                                               uint32_t partition, int64_t above,
                                               const lease_claim* by) {
  auto rows = claim_once(c, now, partition, above, by);
  // The owner before us holds the row: a lock timeout. Its connection is ended,
  // which undoes what it had under way.
  for (int tries = 0; rows.state == "55P03" && tries < 3; ++tries) {
    parameters values;
    values.add_text(now.get().topic);
    values.add_int4(static_cast<int32_t>(partition));
    values.add_int8(by ? by->epoch : -1);
    if (auto done = c.run(sql::end_owner, values); !done.ok())
      return to_error(done, "cannot end the earlier owner's connection");
    rows = claim_once(c, now, partition, above, by);
  }
  if (by && rows.ok() && rows.rows() == 0)
    return partition_claim::refused();
  if (!rows.ok() || rows.rows() == 0)
    return to_error(rows, "cannot claim partition " + std::to_string(partition));
  partition_claim out;
  out.epoch = rows.int8(0, 0);
  out.next_offset = rows.int8(0, 1);
  out.folded_offset = rows.int8(0, 2);
  out.generation = now.get().number;
  out.log_id = rows.bytes(0, 3);
  out.mark = {rows.int8(0, 4), rows.int8(0, 5)};
  out.is_marked = rows.boolean(0, 6);
  return out;
}

} // namespace footfall::postgres
