#include <algorithm>
#include <memory>

#include "actors/ask_from_outside.hpp"
#include "actors/node.hpp"

/// What people ask a node about its partitions, and have it do to them.
namespace footfall {

namespace {

constexpr auto change_patience = std::chrono::seconds(30);

const char* state_of(partition_phase x) noexcept {
  switch (x) {
  case partition_phase::claiming: return "claiming";
  case partition_phase::running: return "running";
  case partition_phase::stopped: return "stopped";
  case partition_phase::idle: return "idle";
  }
  return "claiming";
}

partition_row row_of(uint32_t partition, const partition_status& x) {
  partition_row out;
  out.partition = partition;
  const auto phase = x.phase.load();
  out.state = x.is_stopped() ? "stopped" : state_of(phase);
  out.here = phase != partition_phase::idle;
  out.next_offset = x.next_offset;
  out.folded_offset = x.folded_offset;
  if (x.is_stopped()) {
    out.stopped = x.stopped;
    out.why = x.why_stopped();
  }
  return out;
}

} // namespace

std::shared_ptr<void> node::open_call() {
  calls_.enter();
  return {this, [this](void*) { calls_.leave(); }};
}

void node::look_at_all(std::function<void(std::vector<caf::expected<log_view>>)> done) {
  struct gathering {
    std::mutex mutex;
    size_t left = 0;
    std::vector<caf::expected<log_view>> views;
  };
  const auto n = static_cast<uint32_t>(status_.parts.size()); // Those added later, too.
  auto all = std::make_shared<gathering>();
  if (n == 0)
    return done({});
  all->left = n;
  all->views.assign(n, caf::expected<log_view>{log_view{}});
  for (uint32_t i = 0; i < n; ++i)
    config_.log->look(i, -1, [all, i, done, token = open_call()](caf::expected<log_view> x) {
      {
        std::lock_guard<std::mutex> guard(all->mutex);
        all->views[i] = std::move(x);
        if (--all->left > 0)
          return;
      }
      done(std::move(all->views));
    });
}

applied_counts node::applied(const position_range& range) const {
  if (range.partition >= status_.parts.size())
    return all_forgotten(range);
  return status_.parts[range.partition].with_history(
      [&](const auto& x) { return x.count(range.first, range.last); });
}

void node::partitions(reply<partitions_reply> done) {
  look_at_all([this, done](const std::vector<caf::expected<log_view>>& views) {
    partitions_reply out;
    out.data_dir = config_.data_dir;
    for (uint32_t i = 0; i < views.size(); ++i) {
      auto row = row_of(i, status_.parts[i]);
      if (views[i]) {
        row.log_first = views[i]->first;
        row.log_end = views[i]->end;
      }
      out.rows.push_back(std::move(row));
    }
    done(std::move(out));
  });
}

void node::skip(uint32_t partition, int64_t to, reply<partition_reply> done) {
  if (!config_.has_store)
    return done({errc::not_found, "this node has no database; ask one that has"});
  if (partition >= status_.parts.size())
    return done({errc::not_found, "partition is too high; the log has "
                                      + std::to_string(status_.parts.size())
                                      + " of them, from 0 on"});
  partition_reply late{errc::timeout, "the partition did not answer in time; it may have skipped; "
                                      "footfall partitions shows where it stands"};
  ask_from_outside(system_, alive_, children_.partition(partition), change_patience,
                   std::move(done), std::move(late), atom::skip_v, to);
}

void node::new_generation(reply<partition_reply> done) {
  bool is_stopped = false;
  std::string why = "no partition is stopped; the log is the one that is counted";
  for (const auto& x : status_.parts) {
    is_stopped = is_stopped || x.phase.load() == partition_phase::stopped;
    if (x.is_stopped())
      why = "no partition is stopped at this node; ask one that has some. One stopped because: "
            + x.why_stopped();
  }
  if (!is_stopped)
    return done({errc::not_found, why});
  look_at_all([this, done](const std::vector<caf::expected<log_view>>& views) {
    begin_generation(views, done);
  });
}

void node::begin_generation(const std::vector<caf::expected<log_view>>& views,
                            reply<partition_reply> done) {
  std::vector<int64_t> starts;
  std::string identity;
  for (const auto& x : views) {
    if (!x)
      return done(
          {code_of(x.error()), "the log does not say what it holds: " + text_of(x.error())});
    starts.push_back(x->first);
    identity = x->identity;
  }
  config_.events->begin_generation(
      std::move(starts), std::move(identity),
      [this, done, token = open_call()](caf::expected<uint32_t> x) {
        if (!x)
          return done({code_of(x.error()), text_of(x.error())});
        for (uint32_t i = 0; i < status_.parts.size(); ++i)
          caf::anon_send(children_.partition(i), atom::reclaim_v);
        done({errc::none, "generation " + std::to_string(*x)
                              + " of the log begins: it is counted from its first record on; "
                                "events that are counted already are known by their ids"});
      });
}

} // namespace footfall
