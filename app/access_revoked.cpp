/// Keys that are revoked while the store is away: they hold at once, and are stored when it is
/// back.
#include <algorithm>

#include "app/access_keeper.hpp"

namespace footfall::app {

/// What was just read lacks what is revoked and not stored yet. Under the mutex.
void access_keeper::keep_revoked() {
  if (!revoked_)
    return;
  access_revoked left;
  for (const auto& [id, at_us] : revoked_->keys)
    if (auto* key = find_key(id); key && key->revoked_us == 0) {
      key->revoked_us = at_us;
      left.keys.emplace_back(id, at_us);
    }
  if (left.keys.size() != revoked_->keys.size())
    revoked_ = left.keys.empty() ? nullptr : std::make_shared<access_revoked>(std::move(left));
}

/// Null: there is none. Under the mutex.
access_key* access_keeper::find_key(const std::string& id) {
  const auto found =
      std::find_if(rows_.keys.begin(), rows_.keys.end(), [&](const auto& x) { return x.id == id; });
  return found == rows_.keys.end() ? nullptr : &*found;
}

std::shared_ptr<const access_revoked> access_keeper::revoked() const {
  std::lock_guard guard{mutex_};
  return revoked_;
}

/// Under the mutex. @returns false when there is no such key, or it is revoked already.
bool access_keeper::mark_revoked(const std::string& id, int64_t at_us) {
  auto* key = find_key(id);
  if (!key || key->revoked_us != 0)
    return false;
  key->revoked_us = at_us;
  auto more = std::make_shared<access_revoked>(revoked_ ? *revoked_ : access_revoked{});
  more->keys.emplace_back(id, at_us);
  revoked_ = std::move(more);
  return true;
}

void access_keeper::take_revoked(const access_revoked& x) {
  std::lock_guard guard{mutex_};
  bool is_news = false;
  for (const auto& [id, at_us] : x.keys)
    is_news = mark_revoked(id, at_us) || is_news;
  if (is_news)
    publish();
}

/// What was revoked while the store was away. The next look finds it there.
caf::error access_keeper::store_revoked() {
  const auto left = revoked();
  if (!left)
    return caf::none;
  for (const auto& [id, at_us] : left->keys)
    if (auto done = records_->revoke(id, at_us); !done)
      return std::move(done.error());
  return look();
}

/// The key is refused from here on. @returns the answer when the store is known to be away.
std::optional<access_reply> access_keeper::revoke_at_once(const std::string& id) {
  std::lock_guard guard{mutex_};
  if (mark_revoked(id, now_()))
    publish();
  return in_trouble_ ? revoked_alone(id) : std::nullopt;
}

/// Of a key that is revoked here and not in the store; nothing for any other. Under the mutex.
std::optional<access_reply> access_keeper::revoked_alone(const std::string& id) {
  const auto* left = revoked_.get();
  if (!left || std::none_of(left->keys.begin(), left->keys.end(), [&](const auto& x) {
        return x.first == id;
      }))
    return std::nullopt;
  access_reply out;
  out.stored = false;
  out.rows = rows_;
  out.key = *find_key(id);
  return out;
}

/// It holds already, and does so while the store cannot be told.
access_reply access_keeper::revoke(const std::string& id, int64_t at_us) {
  auto out = after(records_->revoke(id, at_us), "there is no such key");
  if (out.code != errc::none) {
    std::lock_guard guard{mutex_};
    auto alone = revoked_alone(id);
    return alone ? std::move(*alone) : out;
  }
  for (auto& key : out.rows.keys)
    if (key.id == id)
      out.key = key;
  return out;
}

access_reply access_keeper::too_late(const job& x) {
  if (const auto* y = std::get_if<access_ask::revoke_key>(&x.what)) {
    std::lock_guard guard{mutex_};
    if (auto alone = revoked_alone(y->id))
      return std::move(*alone);
  }
  return access_refusal(errc::timeout, "the store took too long, and nothing was done");
}

} // namespace footfall::app
