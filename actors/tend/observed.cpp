#include "actors/tend/observed.hpp"

namespace footfall {

thread_local caf::actor_id actor_directory::spawning_parent = 0;
thread_local std::shared_ptr<census> actor_directory::spawning_census;

void census::enter() {
  std::lock_guard guard{mutex_};
  ++count_;
}

void census::leave() {
  std::lock_guard guard{mutex_};
  if (--count_ == 0)
    none_.notify_all();
}

void census::await_none() {
  std::unique_lock guard{mutex_};
  none_.wait(guard, [this] { return count_ == 0; });
}

void actor_entry::set_key(std::string text) {
  std::lock_guard<std::mutex> guard(mutex_);
  texts_.key = std::move(text);
}

void actor_entry::set_state(std::string text) {
  std::lock_guard<std::mutex> guard(mutex_);
  texts_.state = std::move(text);
}

void actor_entry::set_error(std::string text) {
  std::lock_guard<std::mutex> guard(mutex_);
  texts_.error = std::move(text);
}

actor_entry::texts actor_entry::read() const {
  std::lock_guard<std::mutex> guard(mutex_);
  return texts_;
}

actor_directory& actor_directory::get() {
  static actor_directory directory;
  return directory;
}

void actor_directory::add(actor_entry_ptr entry) {
  std::lock_guard<std::mutex> guard(mutex_);
  auto id = entry->id;
  all_[id] = std::move(entry);
}

void actor_directory::remove(caf::actor_id id) {
  std::lock_guard<std::mutex> guard(mutex_);
  all_.erase(id);
}

actor_entry_ptr actor_directory::find(caf::actor_id id) const {
  std::lock_guard<std::mutex> guard(mutex_);
  auto at = all_.find(id);
  return at == all_.end() ? nullptr : at->second;
}

std::vector<actor_entry_ptr> actor_directory::snapshot() const {
  std::lock_guard<std::mutex> guard(mutex_);
  std::vector<actor_entry_ptr> out;
  out.reserve(all_.size());
  for (const auto& [id, entry] : all_)
    out.push_back(entry);
  return out;
}

} // namespace footfall
