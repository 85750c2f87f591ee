#pragma once

#include "actors/count/partition.hpp"

/// What a partition makes of its event log: whether it is the one that was applied, and
/// what people want done when it is not.
namespace footfall::partition_log {

inline constexpr auto look_what = caf::atom("look");
inline constexpr auto keep_what = caf::atom("keep");

/// What the partition does next.
struct step {
  enum class kind : uint8_t { wait, start, claim, claim_later, stop };
  kind what = kind::wait;
  stop_kind fault = stop_kind::none; ///< For `stop`.
  std::string why;                   ///< For `stop` and `claim_later`.
};

/// The store's claim: nothing is read before the log was looked at.
step take_claim(partition_ptr self, const partition_claim& x);
step take_look(partition_ptr self, const log_view& x);
step take_adopted(partition_ptr self, bool is_ours);
/// The skipped range is in the store, or the partition was not ours any more.
step take_skipped(partition_ptr self, const apply_result& x);
/// The log, or the store for a skip, did not answer.
step take_failure(partition_ptr self, const caf::error& why);

/// Asks the log what it is and holds.
void look(partition_ptr self);
/// The same in a while, when the node looks at all.
void look_later(partition_ptr self);

/// Tells the log what it need not keep any more; again in a while when that is not all that was
/// applied.
void tell_kept(partition_ptr self);

/// A person's wish to go on at `to`.
caf::result<partition_reply> skip(partition_ptr self, int64_t to);
/// The partition claims for another reason meanwhile: the person is told so.
void give_skip_up(partition_ptr self);

} // namespace footfall::partition_log
