#pragma once

#include <map>
#include <string>
#include <vector>

#include "db/memory/memory_log.hpp"
#include "tests/explorer/agenda.hpp"
#include "tests/explorer/folded_store.hpp"

namespace footfall::explorer {

/// What stands at one place of the log.
struct written {
  bool is_event = false;
  event_row event; ///< As model::decode_record reads it.
  std::string raw; ///< What it was read from, when it is no event.
};

/// An event log whose calls go wrong as uncertain_store's do. Records are written in the
/// order of the appends; an append of several partitions may be written in part. Keeps a
/// copy of everything that was ever written.
class uncertain_log final : public event_log {
public:
  uncertain_log(memory_log& inner, agenda& works) : inner_(inner), works_(works) {}

  const std::string& topic() const override { return inner_.topic(); }
  uint32_t partitions() const override { return inner_.partitions(); }
  uint32_t partitions_found() const override { return inner_.partitions_found(); }
  void append(std::vector<log_record> batch, append_done done) override;
  std::chrono::microseconds overtaken_most() const override { return inner_.overtaken_most(); }
  void fetch(uint32_t partition, int64_t from, fetch_limits most, fetch_done done) override;
  void look(uint32_t partition, int64_t offset, look_done done) override;
  void applied(uint32_t partition, int64_t below) override;
  std::string health() const override { return {}; }

  /// A record of another producer, which overtakes the appends that wait.
  void produce(uint32_t partition, std::string value);

  /// Offsets without a record, as a transaction leaves them.
  void leave_hole(uint32_t partition, int64_t count);

  /// The process ends by itself: what waits is written first.
  void drain();
  /// The process is killed: of what waits, some is written and the rest is gone.
  void crash();

  const std::map<place, written>& copy() const { return copy_; }
  int64_t end_of(uint32_t partition) const {
    const auto at = ends_.find(partition);
    return at == ends_.end() ? 0 : at->second;
  }

private:
  struct open_append;
  std::vector<append_outcome> write(std::vector<log_record> part);

  memory_log& inner_;
  agenda& works_;
  std::map<place, written> copy_;
  std::map<uint32_t, int64_t> ends_;
};

} // namespace footfall::explorer
