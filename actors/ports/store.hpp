#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <caf/expected.hpp>

#include "actors/ports/leases.hpp"
#include "proto/bad_event.hpp"
#include "proto/event.hpp"
#include "proto/page.hpp"
#include "proto/query.hpp"
#include "proto/record.hpp"

namespace footfall {

/// One log record that cannot be an event.
struct bad_row {
  int64_t offset = 0;
  int64_t time_us = 0;
  std::string reason;
  std::string raw;
};

/// A batch of consecutive records of one partition.
struct apply_request {
  uint32_t partition = 0;
  int64_t epoch = 0;
  int64_t first_offset = 0;    ///< Must equal the stored next_offset.
  int64_t next_offset = 0;     ///< One past the last record of the batch.
  std::vector<event_row> rows; ///< In log order; an id that repeats keeps its first row.
  std::vector<bad_row> bad;
  log_mark mark;           ///< Of the last record of the batch; none keeps the one that is known.
  int64_t oldest_us = 0;   ///< When its first record arrived: of those that wait, this goes first.
  bool has_strays = false; ///< It has rows of pages whose key belongs to another partition.
};

/// Whether its rows stand inside its range, in rising order, as do its bad rows. What is
/// not like that would be counted at a wrong position.
bool is_in_order(const apply_request& batch);

/// An event that was new, with the numbers that stand for its texts.
struct applied_row {
  uint32_t row = 0; ///< Index in apply_request::rows.
  int32_t page_no = 0;
  int32_t user_no = 0;
  int32_t type_no = 0;
};

struct apply_result {
  bool moved = false; ///< False: not the owner, or already applied. Nothing changed.
  std::vector<applied_row> fresh;
  uint64_t duplicates = 0;
  uint64_t id_conflicts = 0; ///< Duplicates whose payload differed. May lag; 0 when unknown.
  uint64_t incarnation = 0;
};

struct partition_claim {
  int64_t epoch = 0;
  int64_t next_offset = 0;
  int64_t folded_offset = 0;
  uint64_t incarnation = 0;
  uint32_t generation = 1; ///< Counts the logs that were counted from their beginning.
  std::string log_id;      ///< log_view::identity of the log; empty: none was noted.
  log_mark mark;           ///< Of a record that was applied, about the last one.
  bool is_marked = false;  ///< As one that is stopped.
  bool granted = true;     ///< False: a claim with a lease, and refused. All else is empty.

  static partition_claim refused() {
    partition_claim out;
    out.granted = false;
    return out;
  }
};

/// One page's totals after a fold that changed it.
struct folded_page {
  int32_t page_no = 0;
  uint64_t clicks = 0;
};

/// Generations of all logs together that a store can tell apart.
inline constexpr uint32_t generations_max = 32;

/// Log records in one fold whose changed pages are all answered.
inline constexpr size_t fold_records_max = 20'000;

struct fold_result {
  bool moved = false; ///< False: somebody else folded, or `until` was too far.
  uint64_t events = 0;
  std::vector<folded_page> pages; ///< Changed pages; empty when more than fold_records_max.
  uint64_t incarnation = 0;
};

struct pair_key {
  std::string site_id;
  std::string page_url;
  std::string user_id;
};

/// Answer to a pair_key. `version` is the number of counted clicks of the page.
struct pair_count {
  int32_t page_no = 0; ///< 0: no such page.
  int32_t user_no = 0; ///< 0: no such user.
  uint64_t clicks = 0;
  uint64_t version = 0;
};

struct page_key {
  std::string site_id;
  std::string page_url;
};

/// Answers of one kind with the snapshot they were read in: for each partition
/// the last applied position whose effects they include (none while it has none).
template <class T>
struct snapshot {
  std::vector<position> reached;
  std::vector<T> values;
  uint64_t incarnation = 0;
};

struct partition_state {
  uint32_t partition = 0;
  int64_t epoch = 0;
  int64_t next_offset = 0;
  int64_t folded_offset = 0;
};

/// That the event of a bad one was appended again.
struct redriven {
  position bad;
  position to;
};

/// An answer of a store that says, when it is of a kind that does, in which incarnation of
/// the store it was read.
template <class T>
T read_in(uint64_t incarnation, T answer) {
  if constexpr (requires { answer.incarnation; })
    answer.incarnation = incarnation;
  return answer;
}

/// Applied state: events, aggregates, progress.
///
/// A store can go back: a failover to a replica that lagged, a crash that loses commits,
/// a backup that is put in its place. The numbers of pages, users and types may then
/// stand for other texts. From one such moment to the next the store is one incarnation;
/// every answer says in which it was read, and nothing that the store numbered or counted
/// may be used beside an answer of another one. Incarnations rise; they are numbers of
/// this object alone.
///
/// No call blocks; every callback runs exactly once, on a thread of the store,
/// and must not block. Any thread may call. Each call has a limit on how many may
/// wait; beyond it the answer is errc::overloaded. errc::store_unavailable is
/// retryable and says nothing about whether an apply or fold was committed: claim
/// or read the progress to learn it. The destructor answers what is open with
/// errc::shutting_down. Every adapter passes tests/contract/store.cpp.
class store {
public:
  template <class T>
  using done = std::function<void(caf::expected<T>)>;

  virtual ~store() = default;

  /// Takes a partition over: raises its epoch, so that what an earlier owner
  /// still has under way matches nothing. No epoch is given twice, also when the store
  /// went back to before it was given. Folds what earlier generations left.
  virtual void claim(uint32_t partition, done<partition_claim> reply) = 0;

  /// The same by one of several nodes: only while the partition has the owner and the epoch
  /// that it saw, the lease of that owner does not run, and no later process has the name of
  /// this one. With `early` a lease that runs does not count, if the connection of its last
  /// beat has ended. So a claim that is done late, after others moved on, does nothing. Who
  /// claims without a lease takes what anybody has, for nobody.
  virtual void claim(lease_claim by, done<partition_claim> reply) = 0;

  /// The leases of the nodes that share the log; they live as long as the store.
  virtual leases& nodes() = 0;

  /// Notes which log the progress of a partition belongs to. @returns false when the
  /// epoch is not the owner's any more; nothing changed then.
  virtual void adopt(uint32_t partition, int64_t epoch, std::string log_id, done<bool> reply) = 0;

  /// Begins a new generation of the log: partition i is at starts[i], nothing of it is
  /// applied or folded. All owners are fenced, and what they have applied stays, with its
  /// event ids. @returns its number. Fails with errc::overloaded when the store has had
  /// all the generations that it can tell apart.
  virtual void begin_generation(std::vector<int64_t> starts, std::string log_id,
                                done<uint32_t> reply) = 0;

  /// One atomic step: moves next_offset from first_offset (compare and set, with
  /// the epoch), inserts the events that are new and the bad rows.
  virtual void apply(apply_request batch, done<apply_result> reply) = 0;

  /// One atomic step: moves folded_offset from `from` to `until` (compare and
  /// set; from <= until <= next_offset) and adds the rows between to the aggregates.
  virtual void fold(uint32_t partition, int64_t from, int64_t until, done<fold_result> reply) = 0;

  /// Clicks of (page, user) pairs: aggregates plus the rows not yet folded.
  virtual void read_counts(std::vector<pair_key> keys, done<snapshot<pair_count>> reply) = 0;

  /// Whole pages, to become live. `first_minute` bounds page_load::minutes.
  virtual void load_pages(std::vector<page_key> keys, int32_t first_minute, uint32_t users_max,
                          done<snapshot<page_load>> reply) = 0;

  /// The pages with the most clicks (ties by URL), limit + 1 rows at most. With a
  /// range (either bound may be unset_time) users are not counted; it takes the
  /// minutes that begin in it.
  virtual void top_pages(std::string site_id, int64_t from_us, int64_t to_us, uint32_t limit,
                         done<snapshot<named_count>> reply) = 0;

  /// Clicks per minute of a page, or of the site when page_url is empty; only
  /// minutes with clicks, in order, from_us <= begin of the minute < to_us (either
  /// may be unset_time).
  virtual void minutes(page_key key, int64_t from_us, int64_t to_us,
                       done<snapshot<series_point>> reply) = 0;

  /// The users of a page with the most clicks (ties by name), limit + 1 at most.
  virtual void top_users(page_key key, uint32_t limit, done<snapshot<named_count>> reply) = 0;

  /// Texts of user or type numbers that answers about this site have, in order; empty where
  /// there is none. Numbers hold beside the site alone: another site's may have been given by
  /// another database. Texts never change, so `reached` is not told.
  virtual void user_names(std::string site_id, std::vector<int32_t> numbers,
                          done<snapshot<std::string>> reply) = 0;
  virtual void type_names(std::string site_id, std::vector<int32_t> numbers,
                          done<snapshot<std::string>> reply) = 0;

  /// Recounts everything from the raw rows below the folded positions. Slow.
  /// At most 1,000 differences.
  virtual void audit(done<std::vector<audit_difference>> reply) = 0;

  /// Recounts one page. As slow where no index leads to its raw rows.
  virtual void audit_page(page_key key, done<page_recount> reply) = 0;

  virtual void progress(done<std::vector<partition_state>> reply) = 0;

  /// Bad events by partition and offset. A page has at most ask.limit rows and about
  /// bad_event_page_bytes, but one row at least while there is one.
  virtual void bad_events(bad_events_ask ask, done<bad_event_page> reply) = 0;

  /// Notes where bad events went. The rows stay; positions that have none are passed
  /// over. May be repeated. @returns how many rows it noted that in.
  virtual void mark_redriven(std::vector<redriven> rows, done<uint64_t> reply) = 0;

  /// How much of what was applied (in the order of offsets, below `applied`) no loss of power
  /// takes away: the log must keep the rest. Any thread.
  virtual int64_t kept_below(uint32_t /*partition*/, int64_t applied) const { return applied; }

  /// The incarnation that answers are read in now.
  virtual uint64_t incarnation() const = 0;

  /// Calls `tell` with each later incarnation, and what was seen. The store looks by
  /// itself, every few seconds, also when nobody asks. `tell` runs on a thread of the
  /// store before any answer is of the new incarnation; it must not block, nor call the
  /// store. A store that cannot go back never calls it.
  using renewal = std::function<void(uint64_t incarnation, const std::string& seen)>;
  virtual void on_renewal(renewal tell) = 0;

  /// Identity of the data, made with it: cached values of another store never match.
  virtual const std::string& identity() const = 0;

  /// Empty when healthy, else what is wrong, for /readyz.
  virtual std::string health() const = 0;
};

} // namespace footfall
