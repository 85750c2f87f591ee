#pragma once

#include <atomic>
#include <deque>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "actors/ports/one_node.hpp"
#include "actors/ports/store.hpp"
#include "db/memory/deliver.hpp"

namespace footfall {

/// A store that forgets, for tests: the oracle that the real ones are compared
/// with. It keeps raw rows and nothing else; every answer is counted from them.
///
/// Effects happen inside the call. Callbacks run before it returns, or, when
/// `manual`, as release() lets them go.
class memory_store final : public store {
public:
  struct config {
    std::string identity = "memory";
    bool manual = false;
  };

  memory_store() : memory_store(config{}) {}
  explicit memory_store(config settings);
  ~memory_store() override;

  void claim(uint32_t partition, done<partition_claim> reply) override {
    claim(partition, nullptr, reply);
  }
  void claim(lease_claim by, done<partition_claim> reply) override {
    claim(by.partition, &by, reply);
  }
  leases& nodes() override { return nodes_; }
  void adopt(uint32_t partition, int64_t epoch, std::string log_id, done<bool> reply) override;
  void begin_generation(std::vector<int64_t> starts, std::string log_id,
                        done<uint32_t> reply) override;
  void apply(apply_request batch, done<apply_result> reply) override;
  void fold(uint32_t partition, int64_t from, int64_t until, done<fold_result> reply) override;
  void read_counts(std::vector<pair_key> keys, done<snapshot<pair_count>> reply) override;
  void load_pages(std::vector<page_key> keys, int32_t first_minute, uint32_t users_max,
                  done<snapshot<page_load>> reply) override;
  void top_pages(std::string site_id, int64_t from_us, int64_t to_us, uint32_t limit,
                 done<snapshot<named_count>> reply) override;
  void minutes(page_key key, int64_t from_us, int64_t to_us,
               done<snapshot<series_point>> reply) override;
  void top_users(page_key key, uint32_t limit, done<snapshot<named_count>> reply) override;
  void user_names(std::string site_id, std::vector<int32_t> numbers,
                  done<snapshot<std::string>> reply) override;
  void type_names(std::string site_id, std::vector<int32_t> numbers,
                  done<snapshot<std::string>> reply) override;
  void audit(done<std::vector<audit_difference>> reply) override;
  void audit_page(page_key key, done<page_recount> reply) override;
  void progress(done<std::vector<partition_state>> reply) override;
  void bad_events(bad_events_ask ask, done<bad_event_page> reply) override;
  void mark_redriven(std::vector<redriven> rows, done<uint64_t> reply) override;
  uint64_t incarnation() const override;
  void on_renewal(renewal tell) override;
  const std::string& identity() const override { return config_.identity; }
  std::string health() const override { return {}; }

  /// The next call answers `code`; its effect happens all the same when `done_anyway`
  /// (the reply was lost).
  void fail_next(errc code, bool done_anyway = false);

  /// Remembers what is stored now; go_back() loses all that came since, as a failover to
  /// a replica does that had lagged. Without `noticed` nobody is told yet, and answers
  /// still say the old incarnation.
  void keep();
  void go_back(bool noticed = true);

  /// While set, applies fail and have no effect.
  std::atomic<bool> refuse_applies{false};
  std::atomic<bool> refuse_folds{false}; ///< The same of folds.
  /// While set, answers to questions of clients and pages wait for release_held(); what
  /// they say was so when they were asked. All else goes on.
  std::atomic<bool> hold_reads{false};
  size_t release_held(size_t most = std::numeric_limits<size_t>::max()) {
    return held_.release(most);
  }

  std::atomic<uint64_t> users_named{0}; ///< Numbers given to user_names.

  /// While set, the answers to loads of pages wait, and nothing else does; they tell of the
  /// store as it was when it was asked.
  void hold_loads(bool on) { held_loads_.hold(on); }
  /// While set, applies wait, with their effects.
  void hold_applies(bool on) { held_applies_.hold(on); }
  /// The same of folds.
  void hold_folds(bool on) { held_folds_.hold(on); }

  size_t waiting() const { return deliveries_.waiting(); }
  size_t release(size_t most = std::numeric_limits<size_t>::max()) {
    return deliveries_.release(most);
  }

private:
  struct row {
    int32_t page_no = 0;
    int32_t user_no = 0;
    int32_t type_no = 0;
    int64_t at_us = 0;
  };
  struct failure {
    errc code = errc::none;
    bool done_anyway = false;
  };
  using site_text = std::pair<std::string, std::string>;

  /// Numbers for texts, from 1, in the order they were first seen.
  template <class Text>
  struct numbers {
    std::map<Text, int32_t> of;
    std::vector<Text> texts;
    int32_t intern(const Text& text) {
      auto [at, fresh] = of.emplace(text, static_cast<int32_t>(texts.size()) + 1);
      if (fresh)
        texts.push_back(text);
      return at->second;
    }
    int32_t find(const Text& text) const {
      auto at = of.find(text);
      return at == of.end() ? 0 : at->second;
    }
    const Text& text(int32_t number) const { return texts[static_cast<size_t>(number) - 1]; }
    bool has(int32_t number) const {
      return number > 0 && static_cast<size_t>(number) <= texts.size();
    }
  };

  template <class T, class Work>
  void run(done<T>& reply, Work work, bool may_hold = false);
  template <class T, class Work>
  void read(done<snapshot<T>>& reply, Work work) {
    run<snapshot<T>>(reply, std::move(work), true);
  }
  /// A partition in its generation.
  uint32_t slice_of(uint32_t partition) const { return now_.generation << 10 | partition; }
  static uint32_t partition_of(uint32_t slice) { return slice & 1023; }
  std::vector<position> reached() const;
  void claim(uint32_t partition, const lease_claim* by, done<partition_claim>& reply);
  apply_result do_apply(const apply_request& batch);
  uint64_t folded_rows_of(int32_t page_no) const;
  fold_result do_fold(uint32_t partition, int64_t from, int64_t until) const;
  page_load do_load(const page_key& key, int32_t first_minute, uint32_t users_max) const;

  const config config_;
  mutable std::mutex lock_;
  std::deque<failure> failures_;
  struct data {
    uint32_t generation = 1;
    std::map<uint32_t, partition_claim> progress;     ///< By slice.
    std::map<std::pair<uint32_t, int64_t>, row> rows; ///< By slice and offset.
    std::map<std::pair<std::string, event_key>, int32_t> payload_of_id;
    std::map<std::pair<uint32_t, int64_t>, bad_event> bad; ///< By slice and offset.
    numbers<site_text> pages;
    numbers<site_text> users;
    numbers<std::string> types;
  };
  data now_;
  data kept_;
  int64_t epochs_ = 0; ///< Given so far; no store that goes back takes them away.
  uint64_t incarnation_ = 1;
  renewal tell_;
  one_node nodes_{*this};
  held_back held_loads_;
  held_back held_applies_;
  held_back held_folds_;
  deliveries deliveries_;
  deliveries held_{true};
};

template <class T, class Work>
void memory_store::run(done<T>& reply, Work work, bool may_hold) {
  std::optional<caf::expected<T>> answer;
  {
    std::lock_guard guard{lock_};
    failure planned;
    if (!failures_.empty()) {
      planned = failures_.front();
      failures_.pop_front();
    }
    if (planned.code == errc::none || planned.done_anyway)
      answer.emplace(work());
    if (answer && *answer)
      *answer = read_in(incarnation_, std::move(**answer));
    if (planned.code != errc::none)
      answer.emplace(make_error(planned.code, "planned by the test"));
  }
  auto& by = may_hold && hold_reads ? held_ : deliveries_;
  by.deliver([reply = std::move(reply), answer = std::move(*answer)]() mutable {
    reply(std::move(answer));
  });
}

} // namespace footfall
