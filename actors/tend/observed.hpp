#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <caf/all.hpp>

namespace footfall {

/// How many there are of something that others wait for the end of. Any thread.
class census {
public:
  void enter();
  void leave();
  /// Blocks until there is none.
  void await_none();

private:
  std::mutex mutex_;
  std::condition_variable none_;
  size_t count_ = 0;
};

/// What the directory knows of one actor. Counters are written by the actor and
/// by senders, read by anyone.
struct actor_entry {
  caf::actor_id id = 0;
  caf::actor_id parent = 0;
  std::string name;
  caf::weak_actor_ptr handle;
  std::shared_ptr<census> counted_in; ///< With all of its node, from its making on. May be null.
  std::atomic<uint64_t> enqueued{0};
  std::atomic<uint64_t> processed{0};

  /// The texts change while others read them: by these calls only.
  void set_key(std::string text);
  void set_state(std::string text);
  void set_error(std::string text);

  struct texts {
    std::string key, state, error;
  };
  texts read() const;

private:
  mutable std::mutex mutex_;
  texts texts_;
};

using actor_entry_ptr = std::shared_ptr<actor_entry>;

/// The actors of this process. CAF 0.17 cannot enumerate them. Any thread.
class actor_directory {
public:
  static actor_directory& get();
  void add(actor_entry_ptr entry);
  void remove(caf::actor_id id);
  actor_entry_ptr find(caf::actor_id id) const;
  std::vector<actor_entry_ptr> snapshot() const;

  /// Parents are told before the child starts, by whoever spawns it. A child is counted
  /// where its parent is, and one without a parent here.
  static thread_local caf::actor_id spawning_parent;
  static thread_local std::shared_ptr<census> spawning_census;

private:
  mutable std::mutex mutex_;
  std::map<caf::actor_id, actor_entry_ptr> all_;
};

/// Counts the messages of an actor and lists it in the directory while it lives.
template <class Base>
class observed : public Base {
public:
  template <class... Ts>
  explicit observed(caf::actor_config& cfg, Ts&&... xs)
      : Base(cfg, std::forward<Ts>(xs)...), entry_(std::make_shared<actor_entry>()) {
    entry_->id = this->id();
    entry_->parent = actor_directory::spawning_parent;
    entry_->handle = this->ctrl();
    const auto parent = actor_directory::get().find(entry_->parent);
    entry_->counted_in = parent ? parent->counted_in : actor_directory::spawning_census;
    counted_in_ = entry_->counted_in;
    if (counted_in_)
      counted_in_->enter();
  }

  using Base::consume;
  using Base::enqueue;

  const actor_entry_ptr& entry() const { return entry_; }

  void initialize() override {
    entry_->name = this->name();
    actor_directory::get().add(entry_);
    Base::initialize();
  }

  void enqueue(caf::mailbox_element_ptr what, caf::execution_unit* unit) override {
    entry_->enqueued.fetch_add(1, std::memory_order_relaxed);
    Base::enqueue(std::move(what), unit);
  }

  caf::invoke_message_result consume(caf::mailbox_element& what) override {
    auto result = Base::consume(what);
    if (result != caf::invoke_message_result::skipped)
      entry_->processed.fetch_add(1, std::memory_order_relaxed);
    return result;
  }

  bool cleanup(caf::error&& reason, caf::execution_unit* unit) override {
    actor_directory::get().remove(this->id());
    const bool out = Base::cleanup(std::move(reason), unit);
    // Its state is gone, and nothing more of the node is used here.
    if (auto counted = std::exchange(counted_in_, nullptr))
      counted->leave();
    return out;
  }

private:
  actor_entry_ptr entry_;
  std::shared_ptr<census> counted_in_; ///< Null once it has left.
};

/// The self pointer of an actor with interface Handle and state State.
template <class Handle, class State>
using observed_actor = caf::stateful_actor<State, observed<typename Handle::base>>;

} // namespace footfall
