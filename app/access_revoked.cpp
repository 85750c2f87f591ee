/// Keys that are revoked while the store is away: they hold at once, and are stored when it is
/// back. What is known of all the rest is told meanwhile.
#include <algorithm>

#include "app/access_keeper.hpp"

namespace footfall::app {

namespace {

/// Of keys that another node revoked and this one has not read.
constexpr size_t unknown_most = 1'000;

} // namespace

/// What was just read lacks what is revoked and not stored yet. Under the mutex.
void access_keeper::keep_revoked() {
  if (!revoked_)
    return;
  access_revoked left;
  for (const auto& [id, at_us] : revoked_->keys) {
    auto* key = find_key(id);
    if (key && key->revoked_us != 0)
      continue; // The store has it.
    if (key)
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

/// Revoked here, and as far as it is known not in the store. Under the mutex.
bool access_keeper::is_unstored(const std::string& id) const {
  return revoked_ && std::any_of(revoked_->keys.begin(), revoked_->keys.end(), [&](const auto& x) {
           return x.first == id;
         });
}

std::shared_ptr<const access_revoked> access_keeper::revoked() const {
  std::lock_guard guard{mutex_};
  return revoked_;
}

/// Under the mutex. @returns false when it is revoked already, or there may be no such key.
bool access_keeper::mark_revoked(const std::string& id, int64_t at_us, bool is_certain) {
  auto* key = find_key(id);
  if (is_unstored(id) || (key && key->revoked_us != 0))
    return false;
  auto more = std::make_shared<access_revoked>(revoked_ ? *revoked_ : access_revoked{});
  if (!key && (!is_certain || more->keys.size() >= unknown_most))
    return false;
  if (key)
    key->revoked_us = at_us;
  more->keys.emplace_back(id, at_us);
  revoked_ = std::move(more);
  return true;
}

void access_keeper::take_revoked(const access_revoked& x) {
  std::lock_guard guard{mutex_};
  bool is_news = false;
  for (const auto& [id, at_us] : x.keys)
    is_news = mark_revoked(id, at_us, true) || is_news;
  if (is_news && told_)
    publish();
}

/// What was revoked while the store was away. The next look finds it there.
caf::error access_keeper::store_revoked() {
  const auto left = revoked();
  if (!left)
    return caf::none;
  std::string ids;
  for (const auto& [id, at_us] : left->keys) {
    auto done = records_->revoke(id, at_us);
    if (!done)
      return std::move(done.error());
    if (!*done)
      forget_revoked(id); // There is no such key: the store is another one.
    ids += (ids.empty() ? "" : ", ") + id;
  }
  report_("keys that were revoked here before the store knew are revoked there: " + ids);
  return look();
}

void access_keeper::forget_revoked(const std::string& id) {
  std::lock_guard guard{mutex_};
  if (!revoked_)
    return;
  access_revoked left;
  for (const auto& x : revoked_->keys)
    if (x.first != id)
      left.keys.push_back(x);
  revoked_ = left.keys.empty() ? nullptr : std::make_shared<access_revoked>(std::move(left));
}

/// The answer while the store cannot be asked, if there is one: a key is refused from here on, and
/// who may what is as it was read last. Under the mutex.
std::optional<access_reply> access_keeper::answer_alone(const any_access_ask& what) {
  access_reply out;
  if (const auto* revoking = std::get_if<access_ask::revoke_key>(&what)) {
    const auto* key = find_key(revoking->id);
    if (!key || key->revoked_us == 0)
      return std::nullopt;
    out.key = *key;
    out.stored = !is_unstored(revoking->id);
  } else if (!std::holds_alternative<access_ask::everything>(what)) {
    return std::nullopt;
  }
  out.rows = rows_;
  return out;
}

/// Before the store is asked. @returns the answer when it is known to be away.
std::optional<access_reply> access_keeper::begin_alone(const any_access_ask& what) {
  std::lock_guard guard{mutex_};
  if (const auto* revoking = std::get_if<access_ask::revoke_key>(&what))
    if (mark_revoked(revoking->id, now_(), false))
      publish();
  return in_trouble_ ? answer_alone(what) : std::nullopt;
}

/// It holds already, and does so while the store cannot be told.
access_reply access_keeper::revoke(const std::string& id, int64_t at_us) {
  auto out = after(records_->revoke(id, at_us), "there is no such key");
  for (auto& key : out.rows.keys)
    if (key.id == id)
      out.key = key;
  return out;
}

/// `x`, or what can be said without the store, when that is why it failed.
access_reply access_keeper::or_alone(const job& of, access_reply x) {
  if (x.code != errc::store_unavailable && x.code != errc::timeout && x.code != errc::overloaded)
    return x;
  std::lock_guard guard{mutex_};
  auto alone = answer_alone(of.what);
  return alone ? std::move(*alone) : std::move(x);
}

/// At the end of the node.
void access_keeper::say_what_is_lost() const {
  const auto left = revoked();
  if (!left)
    return;
  std::string ids;
  for (const auto& x : left->keys)
    ids += (ids.empty() ? "" : ", ") + x.first;
  report_("the node ends, and these keys are revoked here and not in the store: " + ids
          + "; revoke them again, unless another node that runs says that it did");
}

} // namespace footfall::app
