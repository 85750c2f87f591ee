#include "db/sqlite/store_writer.hpp"

#include <algorithm>
#include <cassert>

#include <sqlite3.h>

#include "db/sqlite/position_key.hpp"

namespace footfall::sqlite {

store_writer::store_writer(connection& on, run_maker& maker, late_counts& late,
                           const std::string& log, event_ids::config ids, merger::config merges)
    : on_(on), log_(log), generations_(on, log), numbers_(on, true), ids_(on, maker, ids),
      merger_(on, late, merges),
      claim_(on, "INSERT INTO partition_progress (topic, part, epoch, next_offset)"
                 " VALUES (?, ?, 1, 0) ON CONFLICT DO UPDATE SET epoch = epoch + 1"),
      claim_fold_(on, "INSERT INTO fold_progress VALUES (?, ?, 0) ON CONFLICT DO NOTHING"),
      progress_(on, "SELECT p.epoch, p.next_offset, f.folded_offset, p.log_id, p.mark_offset,"
                    " p.mark_hash FROM partition_progress p"
                    " JOIN fold_progress f USING (topic, part) WHERE p.topic = ? AND p.part = ?"),
      older_(on, "SELECT t.topic, t.topic_no, f.folded_offset, p.next_offset FROM core_topics t"
                 " JOIN partition_progress p USING (topic) JOIN fold_progress f USING (topic, part)"
                 " WHERE t.log = ? AND t.generation < ? AND p.part = ?"
                 " AND f.folded_offset < p.next_offset"),
      adopt_(on, "UPDATE partition_progress SET log_id = ?4 WHERE topic = ?1 AND part = ?2"
                 " AND epoch = ?3"),
      move_next_(on, "UPDATE partition_progress SET next_offset = ?1,"
                     " mark_offset = iif(?6 < 0, mark_offset, ?6),"
                     " mark_hash = iif(?6 < 0, mark_hash, ?7) WHERE topic = ?2"
                     " AND part = ?3 AND epoch = ?4 AND next_offset = ?5"),
      insert_event_(on, "INSERT INTO core_events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
      insert_bad_(on, "INSERT INTO core_bad_events (position, time_us, reason, raw)"
                      " VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"),
      mark_bad_(on, "UPDATE core_bad_events SET redriven = ?2 WHERE position = ?1"),
      move_folded_(on, "UPDATE fold_progress SET folded_offset = ?1 WHERE topic = ?2"
                       " AND part = ?3 AND folded_offset = ?4 AND ?4 <= ?1"
                       " AND EXISTS (SELECT 1 FROM partition_progress p WHERE p.topic = ?2"
                       " AND p.part = ?3 AND p.next_offset >= ?1)"),
      scan_(on, "SELECT page_no, user_no, site_no, type_no, at_us FROM core_events"
                " WHERE position >= ? AND position < ?"),
      total_of_(on, "SELECT clicks FROM core_page_totals WHERE page_no = ?"),
      add_totals_(on, "INSERT INTO core_page_totals VALUES (?, ?, ?, 0, ?) ON CONFLICT DO UPDATE"
                      " SET clicks = clicks + excluded.clicks,"
                      " last_at_us = max(last_at_us, excluded.last_at_us)"),
      add_site_(on, "INSERT INTO core_site_series VALUES (?, ?, ?) ON CONFLICT DO UPDATE"
                    " SET clicks = clicks + excluded.clicks") {
  merger_.open(ids.report);
  ids_.open();
}

int64_t store_writer::key_of(uint32_t partition, int64_t offset) const {
  assert(partition < partitions_max && offset >= 0 && offset <= offset_max);
  return position_key(generations_.current().topic_no, partition, offset);
}

partition_claim store_writer::claim(uint32_t partition) {
  fold_older(partition);
  const auto& now = generations_.current();
  claim_.bind_text(1, now.topic).bind(2, partition).run();
  claim_fold_.bind_text(1, now.topic).bind(2, partition).run();
  progress_.bind_text(1, now.topic).bind(2, partition);
  partition_claim out;
  if (progress_.step()) {
    out.epoch = progress_.integer(0);
    out.next_offset = progress_.integer(1);
    out.folded_offset = progress_.integer(2);
    out.generation = now.number;
    out.log_id = progress_.text(3);
    out.mark = {progress_.integer(4), progress_.integer(5)};
  }
  progress_.reset();
  return out;
}

int64_t store_writer::epoch_of(uint32_t partition) {
  progress_.bind_text(1, generations_.current().topic).bind(2, partition);
  const auto out = progress_.step() ? progress_.integer(0) : 0;
  progress_.reset();
  return out;
}

/// Nobody owns an earlier generation any more, and its last rows may wait for their fold.
void store_writer::fold_older(uint32_t partition) {
  struct left {
    generations::entry of;
    int64_t from, until;
  };
  std::vector<left> all;
  older_.bind_text(1, log_).bind(2, generations_.current().number).bind(3, partition);
  while (older_.step())
    all.push_back({{std::string{older_.text(0)}, static_cast<uint32_t>(older_.integer(1)), 0},
                   older_.integer(2),
                   older_.integer(3)});
  older_.reset();
  constexpr auto step = static_cast<int64_t>(fold_records_max);
  for (const auto& x : all)
    for (auto from = x.from; from < x.until; from += step)
      fold(x.of, partition, from, std::min(x.until, from + step));
}

bool store_writer::adopt(uint32_t partition, int64_t epoch, const std::string& log_id) {
  adopt_.bind_text(1, generations_.current().topic).bind(2, partition).bind(3, epoch);
  adopt_.bind_text(4, log_id).run();
  return on_.changes() == 1;
}

uint32_t store_writer::begin_generation(const std::vector<int64_t>& starts,
                                        const std::string& log_id) {
  return generations_.begin(starts, log_id) ? generations_.current().number : 0;
}

apply_result store_writer::apply(const apply_request& batch) {
  assert(is_in_order(batch));
  apply_result out;
  move_next_.bind(1, batch.next_offset)
      .bind_text(2, generations_.current().topic)
      .bind(3, batch.partition)
      .bind(4, batch.epoch)
      .bind(5, batch.first_offset)
      .bind(6, batch.mark.offset)
      .bind(7, batch.mark.hash)
      .run();
  out.moved = on_.changes() == 1;
  if (!out.moved)
    return out;
  insert_rows(batch, out);
  insert_bad(batch);
  return out;
}

void store_writer::insert_rows(const apply_request& batch, apply_result& out) {
  batch_.clear();
  for (const auto& row : batch.rows)
    batch_.push_back(
        {&row, numbers_.sites.intern(0, row.site_id), key_of(batch.partition, row.offset)});
  ids_.admit(batch_);
  out.fresh.reserve(batch_.size());
  for (uint32_t i = 0; i < batch_.size(); ++i) {
    const auto& x = batch_[i];
    const auto& row = *x.row;
    if (!x.is_fresh) {
      ++out.duplicates;
      out.id_conflicts += x.is_conflict ? 1 : 0;
      continue;
    }
    applied_row made{i, numbers_.pages.intern(x.site_no, row.page_url),
                     numbers_.users.intern(x.site_no, row.user_id),
                     numbers_.types.intern(0, row.event_type)};
    insert_event_.bind(1, x.position)
        .bind(2, made.page_no)
        .bind(3, made.user_no)
        .bind(4, x.site_no)
        .bind(5, made.type_no)
        .bind(6, row.at_us)
        .bind(7, row.received_at_us - row.at_us)
        .bind(8, row.payload_hash)
        .bind_blob(9, {reinterpret_cast<const char*>(row.key.data()), row.key.size()});
    if (row.key_is_id)
      insert_event_.bind_null(10);
    else
      insert_event_.bind_text(10, row.event_id);
    insert_event_.run();
    out.fresh.push_back(made);
  }
}

void store_writer::insert_bad(const apply_request& batch) {
  for (const auto& x : batch.bad)
    insert_bad_.bind(1, key_of(batch.partition, x.offset))
        .bind(2, x.time_us)
        .bind_text(3, x.reason)
        .bind_blob(4, x.raw)
        .run();
}

uint64_t store_writer::mark_redriven(const std::vector<redriven>& rows) {
  auto key = [this](const position& x) { return key_of(x.partition, x.offset); };
  uint64_t marked = 0;
  for (const auto& x : rows) {
    if (x.bad.partition >= partitions_max || x.bad.offset < 0 || x.bad.offset > offset_max)
      continue;
    mark_bad_.bind(1, key(x.bad)).bind(2, key(x.to)).run();
    marked += static_cast<uint64_t>(on_.changes());
  }
  return marked;
}

} // namespace footfall::sqlite
