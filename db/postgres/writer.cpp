#include "db/postgres/writer.hpp"

#include <algorithm>
#include <chrono>

#include "actors/model/record.hpp"
#include "db/postgres/statements.hpp"
#include "proto/failpoint.hpp"

namespace footfall::postgres {

namespace {

using namespace std::chrono_literals;

/// After so many batches without a duplicate a plain INSERT is tried: it saves one
/// of two index descents and undoes itself on a duplicate.
constexpr unsigned clean_batches = 16;

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

} // namespace

/// A part of a batch that is applied as one statement.
struct writer::range {
  size_t row_begin, row_end;
  int64_t first_offset, next_offset;
  std::vector<bad_row> bad;
};

writer::writer(std::string topic, int32_t topic_no)
    : topic_(std::move(topic)), base_(int64_t{topic_no} << 58) {}

const char* writer::session() {
  return "SET lock_timeout = '2s'; SET enable_seqscan = off; SET enable_hashjoin = off;"
         "SET enable_mergejoin = off";
}

result writer::claim_once(connection& c, uint32_t partition) {
  parameters values;
  values.add_text(topic_);
  values.add_int4(static_cast<int32_t>(partition));
  if (auto done = c.run(sql::add_progress, values); !done.ok())
    return done;
  return c.run(sql::claim, values);
}

caf::expected<partition_claim> writer::claim(connection& c, uint32_t partition) {
  auto rows = claim_once(c, partition);
  // The owner before us holds the row: a lock timeout. Its connection is ended,
  // which undoes what it had under way.
  for (int tries = 0; rows.state == "55P03" && tries < 3; ++tries) {
    parameters values;
    values.add_text(topic_);
    values.add_int4(static_cast<int32_t>(partition));
    if (auto done = c.run(sql::end_owner, values); !done.ok())
      return to_error(done, "cannot end the earlier owner's connection");
    rows = claim_once(c, partition);
  }
  if (!rows.ok() || rows.rows() == 0)
    return to_error(rows, "cannot claim partition " + std::to_string(partition));
  owned_[partition] = c.generation();
  partition_claim out;
  out.epoch = rows.int8(0, 0);
  out.next_offset = rows.int8(0, 1);
  out.folded_offset = rows.int8(0, 2);
  return out;
}

// After a reconnect the row must name the new connection, or nobody could end it.
result writer::own(connection& c, const apply_request& batch, bool& mine) {
  auto at = owned_.find(batch.partition);
  mine = at != owned_.end() && at->second == c.generation();
  if (mine)
    return {};
  parameters values;
  values.add_text(topic_);
  values.add_int4(static_cast<int32_t>(batch.partition));
  values.add_int8(batch.epoch);
  auto rows = c.run(sql::adopt, values);
  mine = rows.ok() && rows.rows() > 0;
  if (mine)
    owned_[batch.partition] = c.generation();
  return rows;
}

caf::expected<apply_result> writer::apply(connection& c, const apply_request& batch) {
  apply_result out;
  bool mine = false;
  auto done = own(c, batch, mine);
  const auto what = "cannot apply to partition " + std::to_string(batch.partition);
  if (!done.ok())
    return to_error(done, what);
  if (!mine)
    return out;
  failpoint("postgres.before_apply");
  done =
      step(c, batch, {0, batch.rows.size(), batch.first_offset, batch.next_offset, batch.bad}, out);
  if (!done.ok())
    return to_error(done, what);
  if (!out.moved)
    return out;
  failpoint("postgres.after_apply");
  std::sort(out.fresh.begin(), out.fresh.end(),
            [](const applied_row& a, const applied_row& b) { return a.row < b.row; });
  if (out.duplicates > 0)
    count_conflicts(c, batch, out);
  return out;
}

result writer::step(connection& c, const apply_request& batch, const range& part,
                    apply_result& out) {
  auto done = numbers_.resolve(c, batch.rows, part.row_begin, part.row_end, row_numbers_);
  if (done.ok()) {
    const bool plain = clean_ >= clean_batches;
    done = send(c, batch, part, plain);
    if (plain && done.state == "23505") {
      clean_ = 0;
      done = send(c, batch, part, false);
    }
    // A deadlock victim did nothing; the other one is done by now.
    for (int tries = 0; done.state == "40P01" && tries < 3; ++tries)
      done = send(c, batch, part, false);
  }
  if (is_data_error(done.state) && part.row_begin < part.row_end)
    return split(c, batch, part, out, done);
  if (done.ok() && done.rows() > 0)
    take(batch, part, done, out);
  else if (done.ok() && out.moved)
    return {"40001", "the partition was taken over in the middle of the batch"};
  return done;
}

// Halves the batch until the record that the store refuses stands alone; it goes
// to bad_events in its turn, so offsets still move without gaps.
result writer::split(connection& c, const apply_request& batch, const range& part,
                     apply_result& out, const result& why) {
  if (part.row_end - part.row_begin == 1) {
    range rest = part;
    rest.bad.push_back(refused(batch.rows[part.row_begin], why));
    rest.row_begin = rest.row_end;
    return step(c, batch, rest, out);
  }
  const size_t middle = part.row_begin + (part.row_end - part.row_begin) / 2;
  const auto cut = batch.rows[middle].offset;
  range left{part.row_begin, middle, part.first_offset, cut, {}};
  range right{middle, part.row_end, cut, part.next_offset, {}};
  for (const auto& x : part.bad)
    (x.offset < cut ? left : right).bad.push_back(x);
  const bool moved_before = out.moved;
  auto done = step(c, batch, left, out);
  if (!done.ok() || (!moved_before && !out.moved))
    return done;
  return step(c, batch, right, out);
}

/// The rows of a range in key order, the first of each id only.
struct writer::sorted_rows {
  struct entry {
    uint64_t high, low;
    uint32_t row;
  };
  std::vector<entry> entries;

  sorted_rows(const apply_request& batch, const range& part,
              const std::vector<row_numbers>& numbers) {
    entries.reserve(part.row_end - part.row_begin);
    for (size_t i = part.row_begin; i < part.row_end; ++i) {
      entry x{0, 0, static_cast<uint32_t>(i)};
      for (size_t k = 0; k < 8; ++k) {
        x.high = x.high << 8 | batch.rows[i].key[k];
        x.low = x.low << 8 | batch.rows[i].key[k + 8];
      }
      entries.push_back(x);
    }
    auto site = [&](const entry& x) { return numbers[x.row].site_no; };
    std::sort(entries.begin(), entries.end(), [&](const entry& a, const entry& b) {
      if (a.high != b.high)
        return a.high < b.high;
      if (a.low != b.low)
        return a.low < b.low;
      return site(a) != site(b) ? site(a) < site(b) : a.row < b.row;
    });
    auto same = [&](const entry& a, const entry& b) {
      return a.high == b.high && a.low == b.low && site(a) == site(b);
    };
    entries.erase(std::unique(entries.begin(), entries.end(), same), entries.end());
  }
};

result writer::send(connection& c, const apply_request& batch, const range& part, bool plain) {
  const sorted_rows sorted{batch, part, row_numbers_};
  const auto n = sorted.entries.size();
  array keys{array::uuid, n}, sites{array::int4, n}, pages{array::int4, n}, users{array::int4, n},
      types{array::int4, n}, at{array::timestamptz, n}, received{array::timestamptz, n},
      positions{array::int8, n}, hashes{array::int4, n}, ids{array::text, n};
  sent_.clear();
  const auto slot = base_ + (int64_t{batch.partition} << 48);
  for (const auto& entry : sorted.entries) {
    const auto& row = batch.rows[entry.row];
    sent_.push_back(entry.row);
    const auto& no = row_numbers_[entry.row];
    keys.add_bytes({reinterpret_cast<const char*>(row.key.data()), row.key.size()});
    sites.add_int4(no.site_no);
    pages.add_int4(no.page_no);
    users.add_int4(no.user_no);
    types.add_int4(no.type_no);
    at.add_time(row.at_us);
    received.add_time(row.received_at_us);
    positions.add_int8(slot + row.offset);
    hashes.add_int4(row.payload_hash);
    ids.add_bytes(row.key_is_id ? std::string_view{} : std::string_view{row.event_id});
  }
  const auto bad = part.bad.size();
  array offsets{array::int8, bad}, times{array::timestamptz, bad}, reasons{array::text, bad},
      raws{array::bytea, bad};
  for (const auto& x : part.bad) {
    offsets.add_int8(x.offset);
    times.add_time(x.time_us);
    reasons.add_bytes(ascii(x.reason));
    raws.add_bytes(x.raw);
  }
  parameters values;
  values.add_text(topic_);
  values.add_int4(static_cast<int32_t>(batch.partition));
  values.add_int8(batch.epoch);
  values.add_int8(part.first_offset);
  values.add_int8(part.next_offset);
  for (const auto* x : {&keys, &sites, &pages, &users, &types, &at, &received, &positions, &hashes,
                        &ids, &offsets, &times, &reasons, &raws})
    values.add_array(*x);
  return c.run(plain ? sql::apply_plain : sql::apply, values);
}

// The answer names the positions of the new rows only when not all that were sent
// were new.
void writer::take(const apply_request& batch, const range& part, const result& rows,
                  apply_result& out) {
  out.moved = true;
  const auto inserted = static_cast<uint64_t>(rows.int8(0, 0));
  const uint64_t given = part.row_end - part.row_begin;
  auto add = [&](size_t i) {
    const auto& no = row_numbers_[i];
    out.fresh.push_back({static_cast<uint32_t>(i), no.page_no, no.user_no, no.type_no});
  };
  clean_ = inserted == given ? std::min(clean_ + 1, clean_batches) : 0;
  out.duplicates += given - inserted;
  if (inserted == sent_.size()) {
    for (auto i : sent_)
      add(i);
    return;
  }
  const auto begin = batch.rows.begin() + static_cast<std::ptrdiff_t>(part.row_begin);
  const auto end = batch.rows.begin() + static_cast<std::ptrdiff_t>(part.row_end);
  for (auto position : rows.int8s(0, 1)) {
    const auto offset = position & ((int64_t{1} << 48) - 1);
    auto at = std::lower_bound(
        begin, end, offset, [](const event_row& x, int64_t wanted) { return x.offset < wanted; });
    add(static_cast<size_t>(at - batch.rows.begin()));
  }
}

// After the commit: inside the statement, a row that another partition has just
// committed cannot be seen. A failure leaves the count at 0.
void writer::count_conflicts(connection& c, const apply_request& batch, apply_result& out) {
  std::vector<bool> is_fresh(batch.rows.size());
  for (const auto& x : out.fresh)
    is_fresh[x.row] = true;
  array keys{array::uuid, out.duplicates}, sites{array::int4, out.duplicates},
      hashes{array::int4, out.duplicates};
  size_t count = 0;
  for (size_t i = 0; i < batch.rows.size() && count < out.duplicates; ++i) {
    if (is_fresh[i] || row_numbers_[i].site_no == 0)
      continue;
    keys.add_bytes({reinterpret_cast<const char*>(batch.rows[i].key.data()), 16});
    sites.add_int4(row_numbers_[i].site_no);
    hashes.add_int4(batch.rows[i].payload_hash);
    ++count;
  }
  if (count != out.duplicates)
    return; // Records were refused in between: the arrays' sizes would not hold.
  parameters values;
  for (const auto* x : {&keys, &sites, &hashes})
    values.add_array(*x);
  auto rows = c.run(sql::conflicts, values);
  if (rows.ok() && rows.rows() > 0)
    out.id_conflicts = static_cast<uint64_t>(rows.int8(0, 0));
}

} // namespace footfall::postgres
