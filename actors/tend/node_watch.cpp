#include "actors/tend/node_watch.hpp"

#include <atomic>

#include "proto/error.hpp"

namespace footfall {

namespace {

constexpr int64_t second = 1'000'000;
constexpr int64_t probe_every_us = 5 * second;
constexpr int64_t probe_patience_us = 5 * second;
constexpr int64_t standstill_us = 5 * second;
constexpr size_t partitions_named = 8;

model::trouble_report::pace patient(int seconds) {
  model::trouble_report::pace out;
  out.patience = std::chrono::seconds(seconds);
  return out;
}

/// "partitions 0, 1 and 3: why", with the reason of the first.
std::string text_of_all(const std::vector<std::pair<size_t, std::string>>& faults,
                        const char* verb = ": ") {
  if (faults.empty())
    return {};
  std::string out = faults.size() == 1 ? "partition " : "partitions ";
  for (size_t i = 0; i < faults.size() && i < partitions_named; ++i)
    out += (i == 0 ? "" : ", ") + std::to_string(faults[i].first);
  if (faults.size() > partitions_named)
    out += " and " + std::to_string(faults.size() - partitions_named) + " more";
  return out + verb + faults.front().second;
}

std::string seconds_text(int64_t us) {
  return std::to_string(us / second) + " s";
}

constexpr const char* misplaced =
    "clicks stand in partitions that are not their pages': another producer chose, or the topic "
    "has grown; until 10 s after the last one the store is asked instead. Producers are to use "
    "murmur2_random over the key; nodes are to be started again when partitions were added";

constexpr const char* behind_with_folds =
    ": applies wait for the store to fold what is applied, which takes long";

} // namespace

/// A read that is under way. The store may answer it after the watch is gone.
struct node_watch::probe {
  std::shared_ptr<outcome_note> reads;
  std::atomic<int64_t> steady_us{0}; ///< Of the last look: when the answer came, nearly.
  std::atomic<bool> open{false};
  int64_t asked_us = 0;
};

node_watch::node_watch(node_watch_config config)
    : config_(std::move(config)), probe_(std::make_shared<probe>()), log_("the event log"),
      store_("the store"), cache_("the cache"), partitions_("applying", patient(2)),
      stopped_("applying"), memory_("answering from memory"), moves_(config_.status->parts.size()) {
  if (!config_.reads)
    config_.reads = std::make_shared<outcome_note>();
  probe_->reads = config_.reads;
}

std::string node_watch::store_fault(int64_t steady_us) const {
  auto out = config_.events->health();
  return out.empty() ? config_.reads->why(steady_us) : out;
}

void node_watch::ask_the_store(int64_t steady_us) {
  auto& x = *probe_;
  x.steady_us = steady_us;
  if (x.open) {
    if (steady_us - x.asked_us > probe_patience_us)
      config_.reads->failed(steady_us, "the store has not answered a read for "
                                           + seconds_text(steady_us - x.asked_us));
    return;
  }
  if (x.asked_us != 0 && steady_us - x.asked_us < probe_every_us)
    return;
  x.asked_us = steady_us;
  x.open = true;
  config_.events->progress([p = probe_](caf::expected<std::vector<partition_state>> answer) {
    const auto now = p->steady_us.load();
    if (answer)
      p->reads->well(now);
    else if (code_of(answer.error()) != errc::shutting_down)
      p->reads->failed(now, text_of(answer.error()));
    p->open = false;
  });
}

node_watch::faults node_watch::failing(int64_t steady_us) {
  faults out;
  while (moves_.size() < config_.status->parts.size())
    moves_.emplace_back(); // The log got more.
  for (size_t i = 0; i < moves_.size(); ++i) {
    const auto& part = config_.status->parts[i];
    const auto phase = part.phase.load();
    const auto next = part.next_offset.load();
    const auto waiting = part.log_end.load() - next;
    const bool running = phase == partition_phase::running;
    const bool is_to_move = running ? waiting > 0 : phase == partition_phase::claiming;
    const auto still = moves_[i].heed(next, is_to_move, steady_us);
    if (!running && !is_to_move)
      continue;
    auto why = part.applies.why(steady_us);
    if (why.empty())
      why = part.folds.why(steady_us);
    if (why.empty() && still >= standstill_us)
      why = running ? "nothing was applied for " + seconds_text(still) + " while "
                          + std::to_string(waiting) + " records wait"
                          + (part.waits_for_folds_us != 0 ? behind_with_folds : "")
                    : "not taken over for " + seconds_text(still);
    if (!why.empty())
      out.emplace_back(i, std::move(why));
  }
  return out;
}

std::string node_watch::partitions_fault(int64_t steady_us) const {
  const auto& parts = config_.status->parts;
  faults stopped, waiting;
  for (size_t i = 0; i < parts.size(); ++i)
    if (parts[i].phase.load() == partition_phase::stopped)
      stopped.emplace_back(i, parts[i].why_stopped());
    else if (parts[i].phase.load() == partition_phase::claiming)
      waiting.emplace_back(i, "starting");
  auto out = text_of_all(stopped, " stopped: ");
  auto more = [&out](const std::string& text) {
    if (!text.empty())
      out += (out.empty() ? "" : "; ") + text;
  };
  more(config_.status->lease.why(steady_us));
  std::lock_guard guard{mutex_};
  more(text_of_all(seen_));
  // A partition that begins anew for a moment is no news; the reason is seen already.
  if (seen_.empty())
    more(text_of_all(waiting));
  if (out.empty())
    more(store_fault(steady_us));
  return out;
}

void node_watch::add(std::vector<std::string>& out, std::string line,
                     const std::string& hint) const {
  if (line.empty())
    return;
  if (!hint.empty() && line.find(" works again") == std::string::npos)
    line += "; " + hint;
  out.push_back(std::move(line));
}

std::vector<std::string> node_watch::look(int64_t steady_us) {
  std::vector<std::string> out;
  ask_the_store(steady_us);
  add(out, log_.heed(log_fault(), steady_us), config_.log_part.hint);
  add(out, store_.heed(store_fault(steady_us), steady_us), config_.store_part.hint);
  add(out, cache_.heed(cache_fault(), steady_us), config_.cache_part.hint);
  auto now_failing = failing(steady_us);
  // While the store or the log is away, that is the one thing to say.
  if (!store_.open() && !log_.open())
    add(out, partitions_.heed(text_of_all(now_failing), steady_us), config_.partitions_hint);
  {
    std::lock_guard guard{mutex_};
    seen_ = std::move(now_failing);
  }
  faults stopped;
  for (size_t i = 0; i < config_.status->parts.size(); ++i)
    if (config_.status->parts[i].phase.load() == partition_phase::stopped)
      stopped.emplace_back(i, config_.status->parts[i].why_stopped());
  const bool told = stopped_.open();
  auto line = stopped_.heed(text_of_all(stopped, " stopped: "), steady_us);
  if (told) // The partition itself said that it stops.
    add(out, std::move(line), "");
  add(out, memory_.heed(config_.status->doubts_memory ? misplaced : "", steady_us), "");
  return out;
}

} // namespace footfall
