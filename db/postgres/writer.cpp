#include "db/postgres/writer.hpp"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <tuple>

#include "actors/model/record.hpp"
#include "db/postgres/claim.hpp"
#include "db/postgres/statements.hpp"
#include "proto/failpoint.hpp"

namespace footfall::postgres {

namespace {

using namespace std::chrono_literals;

/// After so many batches without a duplicate a plain INSERT is tried: it saves one
/// of two index descents and undoes itself on a duplicate.
constexpr unsigned clean_batches = 16;

/// The low bits of a position are the offset, those above it the partition.
constexpr int offset_bits = 48;

std::string ascii(std::string text) {
  for (auto& c : text)
    if (c < ' ' || c > '~')
      c = '?';
  return text;
}

/// The row as it was in the log, so that it can be looked at and sent again.
bad_row refused(const event_row& x, const result& why) {
  click_event event{x.site_id, x.event_id, x.user_id, x.event_type, x.page_url, x.at_us};
  return {x.offset, x.received_at_us,
          ascii("the store refuses it: " + why.text + " (" + why.state + ")"),
          model::encode_record(event, x.received_at_us)};
}

std::string what(const apply_work& x) {
  return "cannot apply to partition " + std::to_string(x.batch.partition);
}

} // namespace

/// Rows of one batch that follow one another, as one statement applies them.
struct writer::slice {
  apply_work* work;
  size_t row_begin, row_end;
  int64_t first_offset, next_offset;
  std::vector<bad_row> bad;
  log_mark mark;

  size_t rows() const { return row_end - row_begin; }
  const event_row& row(size_t i) const { return work->batch.rows[i]; }
};

const char* writer::session() {
  return "SET lock_timeout = '2s'; SET enable_seqscan = off; SET enable_hashjoin = off;"
         "SET enable_mergejoin = off";
}

caf::expected<partition_claim> writer::claim(connection& c, uint32_t partition, int64_t above,
                                             const lease_claim* by) {
  auto out = claim_partition(c, now_, partition, above, by);
  if (out && out->granted)
    owned_[partition] = c.generation();
  return out;
}

caf::expected<bool> writer::adopt(connection& c, uint32_t partition, int64_t epoch,
                                  const std::string& log_id) {
  parameters values;
  values.add_text(now_.get().topic);
  values.add_int4(static_cast<int32_t>(partition));
  values.add_int8(epoch);
  values.add_text(log_id);
  auto rows = c.run(sql::adopt_log, values);
  if (!rows.ok())
    return to_error(rows, "cannot note the log of partition " + std::to_string(partition));
  return rows.rows() > 0;
}

// After a reconnect the row must name the new connection, or nobody could end it.
bool writer::own(connection& c, apply_work& x) {
  const auto& batch = x.batch;
  auto at = owned_.find(batch.partition);
  if (at != owned_.end() && at->second == c.generation())
    return true;
  parameters values;
  values.add_text(now_.get().topic);
  values.add_int4(static_cast<int32_t>(batch.partition));
  values.add_int8(batch.epoch);
  auto rows = c.run(sql::adopt, values);
  if (!rows.ok())
    x.failure = to_error(rows, what(x));
  if (!rows.ok() || rows.rows() == 0)
    return false;
  owned_[batch.partition] = c.generation();
  return true;
}

void writer::apply(connection& c, std::vector<apply_work>& batches) {
  for (const auto& x : batches)
    assert(is_in_order(x.batch));
  slices parts;
  for (auto& x : batches)
    if (own(c, x)) {
      const auto& batch = x.batch;
      x.numbers.resize(batch.rows.size());
      parts.push_back(
          {&x, 0, batch.rows.size(), batch.first_offset, batch.next_offset, batch.bad, batch.mark});
    }
  if (parts.empty())
    return;
  std::sort(parts.begin(), parts.end(), [](const slice& a, const slice& b) {
    return a.work->batch.partition < b.work->batch.partition;
  });
  failpoint("postgres.before_apply");
  step(c, parts);
  failpoint("postgres.after_apply");
  for (auto& x : batches) {
    std::sort(x.out.fresh.begin(), x.out.fresh.end(),
              [](const applied_row& a, const applied_row& b) { return a.row < b.row; });
    if (!x.failure && x.out.duplicates > 0)
      count_conflicts(c, x);
  }
}

void writer::step(connection& c, const slices& parts) {
  std::vector<numbered_row> rows;
  for (const auto& part : parts)
    for (size_t i = part.row_begin; i < part.row_end; ++i)
      rows.push_back({&part.row(i), &part.work->numbers[i]});
  auto done = numbers_.resolve(c, rows);
  if (done.ok()) {
    const bool plain = clean_ >= clean_batches;
    done = send(c, parts, plain);
    if (plain && done.state == "23505") {
      clean_ = 0;
      done = send(c, parts, false);
    }
    // A deadlock victim did nothing; the other one is done by now.
    for (int tries = 0; done.state == "40P01" && tries < 3; ++tries)
      done = send(c, parts, false);
  }
  if (is_data_error(done.state) && (parts.size() > 1 || parts[0].rows() > 0))
    return split(c, parts, done);
  if (done.ok())
    return take(parts, done);
  for (const auto& part : parts)
    part.work->failure = to_error(done, what(*part.work));
}

// Halves what the store refuses until one record stands alone; it goes to bad_events
// in its turn, so offsets still move without gaps.
void writer::split(connection& c, const slices& parts, const result& why) {
  if (parts.size() == 1)
    return halve(c, parts[0], why);
  const auto middle = parts.begin() + static_cast<std::ptrdiff_t>(parts.size() / 2);
  step(c, {parts.begin(), middle});
  step(c, {middle, parts.end()});
}

void writer::halve(connection& c, const slice& part, const result& why) {
  if (part.rows() == 1) {
    slice rest = part;
    rest.bad.push_back(refused(part.row(part.row_begin), why));
    rest.row_begin = rest.row_end;
    return step(c, {rest});
  }
  const size_t middle = part.row_begin + part.rows() / 2;
  const auto cut = part.row(middle).offset;
  slice left{part.work, part.row_begin, middle, part.first_offset, cut, {}, {}};
  slice right{part.work, middle, part.row_end, cut, part.next_offset, {}, part.mark};
  for (const auto& x : part.bad)
    (x.offset < cut ? left : right).bad.push_back(x);
  step(c, {left});
  if (!part.work->failure && part.work->out.moved)
    step(c, {right});
}

/// The rows of a statement in key order, of each slice the first of each id only:
/// between two slices the store decides, for one of them may not be ours any more.
struct writer::sorted_rows {
  struct entry {
    uint64_t high, low;
    int32_t site_no;
    uint32_t part, row;
  };
  std::vector<entry> entries;

  explicit sorted_rows(const slices& parts) {
    for (size_t part = 0; part < parts.size(); ++part)
      for (size_t i = parts[part].row_begin; i < parts[part].row_end; ++i)
        add(parts[part], static_cast<uint32_t>(part), static_cast<uint32_t>(i));
    std::sort(entries.begin(), entries.end(), [](const entry& a, const entry& b) {
      return std::tie(a.high, a.low, a.site_no, a.part, a.row)
             < std::tie(b.high, b.low, b.site_no, b.part, b.row);
    });
    auto same = [](const entry& a, const entry& b) {
      return std::tie(a.high, a.low, a.site_no, a.part)
             == std::tie(b.high, b.low, b.site_no, b.part);
    };
    entries.erase(std::unique(entries.begin(), entries.end(), same), entries.end());
  }

  void add(const slice& from, uint32_t part, uint32_t row) {
    entry x{0, 0, from.work->numbers[row].site_no, part, row};
    const auto& key = from.row(row).key;
    for (size_t k = 0; k < 8; ++k) {
      x.high = x.high << 8 | key[k];
      x.low = x.low << 8 | key[k + 8];
    }
    entries.push_back(x);
  }
};

result writer::send(connection& c, const slices& parts, bool plain) {
  const auto count = parts.size();
  array part_nos{array::int4, count}, epochs{array::int8, count}, first{array::int8, count},
      next{array::int8, count}, mark_offsets{array::int8, count}, mark_hashes{array::int8, count},
      strays{array::int4, count};
  const auto now = now_.get();
  const auto base = int64_t{now.topic_no} << 58;
  size_t bad = 0;
  for (const auto& part : parts) {
    part_nos.add_int4(static_cast<int32_t>(part.work->batch.partition));
    epochs.add_int8(part.work->batch.epoch);
    first.add_int8(part.first_offset);
    next.add_int8(part.next_offset);
    mark_offsets.add_int8(part.mark.offset);
    mark_hashes.add_int8(part.mark.hash);
    strays.add_int4(part.work->batch.has_strays ? 1 : 0);
    bad += part.bad.size();
  }
  const sorted_rows sorted{parts};
  const auto n = sorted.entries.size();
  array keys{array::uuid, n}, sites{array::int4, n}, pages{array::int4, n}, users{array::int4, n},
      types{array::int4, n}, at{array::timestamptz, n}, received{array::timestamptz, n},
      positions{array::int8, n}, hashes{array::int4, n}, ids{array::text, n};
  sent_.clear();
  for (const auto& entry : sorted.entries) {
    const auto& part = parts[entry.part];
    const auto& row = part.row(entry.row);
    const auto& no = part.work->numbers[entry.row];
    sent_.emplace_back(entry.part, entry.row);
    keys.add_bytes({reinterpret_cast<const char*>(row.key.data()), row.key.size()});
    sites.add_int4(no.site_no);
    pages.add_int4(no.page_no);
    users.add_int4(no.user_no);
    types.add_int4(no.type_no);
    at.add_time(row.at_us);
    received.add_time(row.received_at_us);
    positions.add_int8(base + (int64_t{part.work->batch.partition} << offset_bits) + row.offset);
    hashes.add_int4(row.payload_hash);
    ids.add_bytes(row.key_is_id ? std::string_view{} : std::string_view{row.event_id});
  }
  array bad_parts{array::int4, bad}, offsets{array::int8, bad}, times{array::timestamptz, bad},
      reasons{array::text, bad}, raws{array::bytea, bad};
  for (const auto& part : parts)
    for (const auto& x : part.bad) {
      bad_parts.add_int4(static_cast<int32_t>(part.work->batch.partition));
      offsets.add_int8(x.offset);
      times.add_time(x.time_us);
      reasons.add_bytes(ascii(x.reason));
      raws.add_bytes(x.raw);
    }
  parameters values;
  values.add_text(now.topic);
  for (const auto* x :
       {&part_nos, &epochs,  &first,    &next,         &keys,        &sites, &pages,     &users,
        &types,    &at,      &received, &positions,    &hashes,      &ids,   &bad_parts, &offsets,
        &times,    &reasons, &raws,     &mark_offsets, &mark_hashes, &strays})
    values.add_array(*x);
  return c.run(plain ? sql::apply_plain : sql::apply, values);
}

// The answer names the positions of the new rows only when not all that were sent
// were new.
void writer::take(const slices& parts, const result& answer) {
  const auto ours = answer.int4s(0, 0);
  const auto inserted = static_cast<size_t>(answer.int8(0, 1));
  std::vector<size_t> fresh(parts.size());
  auto add = [&](size_t part, size_t row) {
    const auto& no = parts[part].work->numbers[row];
    parts[part].work->out.fresh.push_back(
        {static_cast<uint32_t>(row), no.page_no, no.user_no, no.type_no});
    ++fresh[part];
  };
  if (inserted == sent_.size())
    for (const auto& [part, row] : sent_)
      add(part, row);
  else
    for (auto position : answer.int8s(0, 2)) {
      const auto [part, row] = find(parts, position);
      add(part, row);
    }
  size_t given = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    auto& x = *parts[i].work;
    given += parts[i].rows();
    if (std::find(ours.begin(), ours.end(), static_cast<int32_t>(x.batch.partition))
        != ours.end()) {
      x.out.moved = true;
      x.out.duplicates += parts[i].rows() - fresh[i];
    } else if (x.out.moved) {
      x.failure = make_error(errc::store_unavailable,
                             what(x) + ": it was taken over in the middle of the batch");
    }
  }
  clean_ = inserted == given ? std::min(clean_ + 1, clean_batches) : 0;
}

std::pair<size_t, size_t> writer::find(const slices& parts, int64_t position) {
  const auto partition = position >> offset_bits & 1023; // All are of one generation.
  const auto offset = position & ((int64_t{1} << offset_bits) - 1);
  auto part = std::find_if(parts.begin(), parts.end(), [partition](const slice& x) {
    return x.work->batch.partition == partition;
  });
  const auto& rows = part->work->batch.rows;
  const auto begin = rows.begin() + static_cast<std::ptrdiff_t>(part->row_begin);
  const auto end = rows.begin() + static_cast<std::ptrdiff_t>(part->row_end);
  auto row = std::lower_bound(begin, end, offset,
                              [](const event_row& x, int64_t wanted) { return x.offset < wanted; });
  return {static_cast<size_t>(part - parts.begin()), static_cast<size_t>(row - rows.begin())};
}

// After the commit: inside the statement, a row that another partition has just
// committed cannot be seen. A failure leaves the count at 0.
void writer::count_conflicts(connection& c, apply_work& x) {
  const auto& rows = x.batch.rows;
  const auto duplicates = x.out.duplicates;
  std::vector<bool> is_fresh(rows.size());
  for (const auto& row : x.out.fresh)
    is_fresh[row.row] = true;
  array keys{array::uuid, duplicates}, sites{array::int4, duplicates},
      hashes{array::int4, duplicates};
  size_t count = 0;
  for (size_t i = 0; i < rows.size() && count < duplicates; ++i) {
    if (is_fresh[i] || x.numbers[i].site_no == 0)
      continue;
    keys.add_bytes({reinterpret_cast<const char*>(rows[i].key.data()), 16});
    sites.add_int4(x.numbers[i].site_no);
    hashes.add_int4(rows[i].payload_hash);
    ++count;
  }
  if (count != duplicates)
    return; // Records were refused in between: the arrays' sizes would not hold.
  parameters values;
  for (const auto* column : {&keys, &sites, &hashes})
    values.add_array(*column);
  auto found = c.run(sql::conflicts, values);
  if (found.ok() && found.rows() > 0)
    x.out.id_conflicts = static_cast<uint64_t>(found.int8(0, 0));
}

} // namespace footfall::postgres
