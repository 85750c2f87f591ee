#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "actors/model/target.hpp"

namespace footfall::model {

struct ownership_rules {
  int64_t beat_every_us = 500'000;
  int64_t beat_gap_us = 50'000;        ///< Between two beats, whatever asks for one at once.
  int64_t gap_a_node_us = 2'000;       ///< That gap is so long at least for each node.
  int64_t lease_us = 3'000'000;        ///< From the sending of a beat.
  int64_t grace_us = 250'000;          ///< For another's beat that comes just after its lease.
  int64_t pause_us = 1'500'000;        ///< Between two answers, beyond it eyes are not fresh.
  int64_t gone_us = 300'000;           ///< Between two beats that together see another gone.
  int64_t live_us = 2'000'000;         ///< No answer from memory is older.
  int64_t hint_us = 1'000'000;         ///< How long a lost link speaks for a node's end.
  int64_t log_patience_us = 5'000'000; ///< Without the log while another node reads it.

  /// What is in proportion to a lease of that length, of 2 s or more.
  static ownership_rules for_lease(int64_t lease_us);
};

using footfall::beat_answer;

/// What a node is to do now. Fields that a kind does not name are empty.
struct ownership_action {
  enum class kind : uint8_t {
    beat,    ///< Send beat `number`, with draining() and log().
    claim,   ///< Ask for `partition` if it still has the `owner` and the `epoch` seen; `number`.
    release, ///< Let the apply under way end, then free `partition` if it has `epoch`; `number`.
    run,     ///< `partition` is this node's, with `epoch`.
    stop,    ///< `partition` is not, at once: no apply, no fold, no answer from memory.
    leave,   ///< All is released: delete this node's row and end the process.
    end      ///< A later process has the name: end the process with a message.
  };
  kind what = kind::beat;
  uint32_t partition = 0;
  uint64_t number = 0;
  owner_id owner = {};
  int64_t epoch = 0;
  bool early = false;   ///< The owner's lease may still run, as its connection has ended.
  int64_t spent_us = 0; ///< Of a beat: of the lease, as one before it waits for its answer.

  friend bool operator==(const ownership_action&, const ownership_action&) = default;
};
using ownership_actions = std::vector<ownership_action>;

/// What says that a partition may be answered from memory. By the clock of `ownership`.
struct freshness {
  int64_t confirmed_us = 0; ///< Sending of the last statement whose answer named the epoch.
  int64_t until_us = 0;     ///< Later only the store may answer; 0: the partition is another's.
};

/// As of when a partition may be answered from memory, or nothing when only the store may
/// answer: it does not run here, or nothing younger than `live_us` says that it still does.
/// @param applied_us when the last apply was sent that was answered with this epoch, or 0.
/// @param applying_us when the apply was sent that is under way (it may be committed already).
std::optional<int64_t> live_as_of(const freshness& x, int64_t live_us, int64_t now_us,
                                  int64_t applied_us, std::optional<int64_t> applying_us);

/// Which partitions one node holds, claims and releases, by a lease that it renews in the store
/// (docs/adr/0036-leases.md). What happened goes in, what is to be done comes out; who obeys
/// talks to the store and to the partitions.
///
/// Each node acts for itself, on what one beat shows: the target is somebody else and the row
/// names this process: release; the target is this node and the row names nobody who lives:
/// claim. While some node is in doubt nothing is released for an even spread, which may be another
/// soon. The store decides between two that claim, by the owner and the epoch they saw. A row
/// counts only when its beat was sent after the last thing that this node learned of the
/// partition otherwise. One statement for a partition is under way at most, and one beat, or up to
/// three where one is not answered when the next is due (docs/adr/0053-a-third-way.md): the latest
/// one that is answered counts.
///
/// Invariants: what runs has an epoch that the store gave to this process; nothing runs once the
/// lease is over, from any call on that tells the time; nothing is claimed while it drains, and
/// nothing at all is done once it has ended.
/// One thread. Times are microseconds of a clock that does not jump, and that runs on while the
/// process is stopped; each call tells a time that is not before the last one's.
class ownership {
public:
  using rules = ownership_rules;

  /// @param me the process, with the incarnation that the store gave it.
  /// @param aggregates whether it may have partitions; else it only beats and looks.
  ownership(owner_id me, bool aggregates, const rules& rules = {});

  /// Time passes. To be called at wake_us() at the latest; also where a process goes on that may
  /// have been stopped.
  ownership_actions tick(int64_t now_us);
  int64_t wake_us() const noexcept;
  /// Something may have changed at the store: the connection is a new one, a peer has claimed or
  /// released. The next beat comes at once.
  ownership_actions look(int64_t now_us);

  ownership_actions beat_answered(uint64_t number, const beat_answer& answer, int64_t now_us);
  /// Whether an answer of that beat would count: none of a later one has come.
  bool is_news(uint64_t number) const;
  /// Whether it is, but for that the lease which it asked for is over: it has failed.
  bool is_over(uint64_t number, int64_t now_us) const;
  ownership_actions beat_failed(uint64_t number, int64_t now_us);
  ownership_actions claimed(uint32_t partition, uint64_t number, int64_t epoch, int64_t now_us);
  /// The claim was refused, or it failed: it may have been done, or may still be.
  ownership_actions not_claimed(uint32_t partition, uint64_t number, int64_t now_us);
  /// The release was done, or found nothing to do, or failed: the next beat tells which.
  ownership_actions release_ended(uint32_t partition, uint64_t number, int64_t now_us);

  /// A statement with `epoch` moved nothing: another claim was later.
  ownership_actions fenced(uint32_t partition, int64_t epoch, int64_t now_us);
  /// An apply with `epoch` failed and may have been done: only a claim can tell.
  ownership_actions apply_failed(uint32_t partition, int64_t epoch, int64_t now_us);
  /// CAF's DOWN of a peer: a reason to look, and with `gone` enough to take over. By itself it
  /// says nothing about who owns what.
  ownership_actions peer_down(const std::string& node, int64_t now_us);
  /// The log cannot be read, `since_us` at the latest; whoever calls this tries on, also when no
  /// partition is left.
  ownership_actions log_fails(int64_t now_us, int64_t since_us);
  ownership_actions log_fails(int64_t now_us) { return log_fails(now_us, now_us); }
  ownership_actions log_works(int64_t now_us);
  /// SIGTERM: gives everything away, then leaves.
  ownership_actions drain(int64_t now_us);

  /// For live_as_of(), until the next input.
  freshness freshness_of(uint32_t partition) const;

  const owner_id& me() const noexcept { return me_; }
  bool draining() const noexcept { return draining_; }
  bool ended() const noexcept { return ended_; }
  log_reach log() const noexcept { return log_; }
  /// The end of this process's lease by its own clock.
  int64_t lease_until_us() const noexcept { return lease_until_us_; }
  /// The epoch with which a partition runs here, or 0.
  int64_t runs_with(uint32_t partition) const;

private:
  enum class phase : uint8_t { idle, claiming, running, releasing };
  struct holding {
    phase at = phase::idle;
    uint64_t number = 0;      // Of the claim or release under way.
    int64_t sent_us = 0;      // The claim that is under way, or that was answered.
    int64_t epoch = 0;        // With which it runs or is released.
    int64_t confirmed_us = 0; // Sending of the last statement whose answer named the epoch.
    int64_t known_us = 0;     // Rows of beats that were sent before do not count.
  };
  struct suspicion {
    owner_id of;
    uint64_t beat = 0;          // Its last one that was seen.
    int64_t gone_since_us = -1; // The first answer since then in which it was gone.
    int64_t hinted_until_us = 0;
  };

  struct sent_beat {
    uint64_t number = 0;
    int64_t sent_us = 0;
    int64_t until_us = 0; // The end of the lease that it asks for.
  };

  void go_on(int64_t now_us, ownership_actions& to);
  void ask_for_beat(int64_t now_us);
  int64_t beat_due_us() const;
  int64_t soonest_beat_us() const;
  int64_t lease_asked_until(int64_t now_us) const;
  void watch_end_of(const node_row& x);
  /// Of those under way, whether any may still tell something.
  bool waits() const { return !beats_.empty() && beats_.back().number > answered_no_; }
  void expire(ownership_actions& to);
  node_row self() const;
  bool is_late(const node_row& x) const;
  bool has_fresh_eyes(int64_t sent_us) const;
  void open_eyes();
  std::vector<node_row> judge(const beat_answer& answer);
  sight judge(const node_row& x, suspicion& known) const;
  void judge_log(const std::vector<node_row>& nodes);
  void take_row(const partition_row& row, bool is_target, const std::vector<node_row>& judged,
                ownership_actions& to);
  void take_own_row(const partition_row& row, bool is_target, holding& x, ownership_actions& to);
  void claim(const partition_row& seen, bool early, ownership_actions& to);
  void release(uint32_t partition, int64_t epoch, ownership_actions& to);
  void stop(uint32_t partition, holding& x, ownership_actions& to);
  bool gives_away() const { return !in_doubt_ || !may_own(self()); }
  bool is_idle() const;
  bool is_done(const beat_answer& answer) const;

  owner_id me_;
  bool aggregates_;
  rules rules_;
  bool draining_ = false;
  bool ended_ = false;
  log_reach log_ = log_reach::works;
  int64_t log_failed_us_ = 0;         // Since then it cannot read the log, unless it works.
  int64_t others_read_since_us_ = -1; // Another node can read it; -1: none.

  int64_t now_us_ = 0;
  uint64_t number_ = 0;          // The last one that was given to a statement.
  std::vector<sent_beat> beats_; // Under way, in the order of their sending.
  uint64_t beat_no_ = 0;         // Of the last one that was sent, like the next.
  int64_t beat_sent_us_ = 0;
  uint64_t answered_no_ = 0; // Of the last one whose answer counted, like the next.
  int64_t seen_us_ = 0;      // When it was sent: what it told is not older.
  int64_t nodes_ = 0;        // In its answer.
  int64_t next_beat_us_ = 0;
  int64_t lease_until_us_ = 0;
  int64_t answered_us_ = 0;    // When that answer came.
  int64_t eyes_since_us_ = -1; // The first answer after the last pause; -1: none yet.

  bool in_doubt_ = false; // A node of the last answer may be live or not.

  std::map<std::string, suspicion> suspicions_; // By node; those of the last answer.
  std::map<uint32_t, holding> holdings_;
};

} // namespace footfall::model
