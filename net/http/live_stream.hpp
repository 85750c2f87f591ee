#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/http/body_stream.hpp"
#include "net/http/live_hub.hpp"

namespace footfall::http {

/// One topic, for all streams that show it.
struct live_topic {
  uint64_t id = 0;
  std::string name;    ///< As the client gave it.
  std::string key;     ///< Equal for those that show the same.
  query_params params; ///< Of the question that is asked again and again.
  question asked;
  std::optional<query_answer> first; ///< While what it is compared with is asked for.
  std::shared_ptr<void> watch;       ///< page: while the page's actor tells by itself.
  bool is_asking = false;
  bool in_trouble = false;
  std::chrono::steady_clock::time_point asked_at;
  std::chrono::steady_clock::duration took{0}; ///< Until the last answer.
  uint64_t applied = 0;                        ///< Events of this node, when it was asked.
  std::string text;                            ///< The event with the state; empty: none yet.
  std::vector<position> reached;
  uint64_t version = 0;
  std::vector<live_stream*> readers;

  /// Its page's actor tells it when it changed; the others are asked again and again.
  bool is_told() const { return name.starts_with("page:"); }
};

/// What one connection gets of the topics.
class live_stream final : public body_stream {
public:
  /// @param after nothing older than this is told, as far as a topic says how old it is: the
  /// client had that already.
  live_stream(live_hub& hub, std::vector<position> after, const now_fn& now,
              const model::principal& who);
  ~live_stream() override;

  void add(live_topic& x);
  /// Of who opened it; empty: nobody was asked for a key.
  const std::string& access_id() const { return access_id_; }
  /// Whether it was opened by a share link, which anybody may have.
  bool is_shared() const { return is_shared_; }
  void take(std::string& out) override;
  bool is_over() const override { return is_over_; }
  void end() override;

  /// Sees that the client hears something every few seconds.
  void tick(std::chrono::steady_clock::time_point now);
  /// The hub ends.
  void leave() { hub_ = nullptr; }

private:
  struct place {
    live_topic* topic;
    uint64_t seen;
  };
  bool is_too_old(const live_topic& x) const;
  void append_id(std::string& out, const live_topic& x);

  live_hub* hub_;
  now_fn now_;
  const std::string access_id_;
  const bool is_shared_;
  std::vector<position> after_; ///< Nothing older is told, for a while.
  std::vector<position> told_;  ///< The newest that the client has been told of, and their id.
  std::vector<place> topics_;
  std::chrono::steady_clock::time_point began_;
  std::chrono::steady_clock::time_point sent_at_;
  bool said_hello_ = false;
  bool beat_due_ = false;
  bool ends_ = false;
  bool is_over_ = false;
};

} // namespace footfall::http
