#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "actors/ports/clock.hpp"
#include "actors/ports/event_log.hpp"
#include "tests/explorer/agenda.hpp"

namespace footfall::nodes {

using place = std::pair<uint32_t, int64_t>; ///< Partition and offset.

class node_log;

/// The log that all nodes share. It keeps everything.
struct common_log {
  common_log(uint32_t partitions, now_fn clock) : now(std::move(clock)), slices(partitions) {}

  const std::string topic = "clicks";
  now_fn now;
  std::vector<std::vector<log_entry>> slices; ///< By partition; an offset is an index.
  std::map<place, event_row> events;          ///< As model::decode_record reads them.
  std::vector<node_log*> readers;

  int64_t end_of(uint32_t partition) const {
    return static_cast<int64_t>(slices[partition].size());
  }
  position write(log_record x);
};

/// One process's way to the log. Appends happen later, in their order; they may fail, or be
/// answered as unknown though they were, or will be, done.
class node_log final : public event_log {
public:
  node_log(common_log& inner, explorer::agenda& works);
  ~node_log() override;

  const std::string& topic() const override { return inner_.topic; }
  uint32_t partitions() const override { return static_cast<uint32_t>(inner_.slices.size()); }
  void append(std::vector<log_record> batch, append_done done) override;
  std::chrono::microseconds overtaken_most() const override { return std::chrono::seconds{10}; }
  void fetch(uint32_t partition, int64_t from, fetch_limits most, fetch_done done) override;
  void look(uint32_t partition, int64_t offset, look_done done) override;
  void applied(uint32_t, int64_t) override {}
  void close(uint32_t partition) override;
  std::string health() const override { return {}; }

  /// The partition has more.
  void serve(uint32_t partition);

private:
  struct open_fetch {
    int64_t from = 0;
    fetch_limits most;
    fetch_done done;
  };

  log_batch read(uint32_t partition, int64_t from, fetch_limits most) const;
  void answer_late(fetch_done done, caf::expected<log_batch> x);

  common_log& inner_;
  explorer::agenda& works_;
  std::map<uint32_t, open_fetch> waiting_;
};

} // namespace footfall::nodes
