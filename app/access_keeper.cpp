#include "app/access_keeper.hpp"

#include <algorithm>

#include "actors/model/access_key.hpp"
#include "actors/model/password.hpp"

namespace footfall::app {

namespace {

constexpr size_t jobs_most = 256;
constexpr size_t hashes_most = 32; ///< About two seconds of work.
constexpr size_t hashing_threads = 2;
constexpr int64_t day_us = int64_t{86'400} * 1'000'000;

access_reply refusal(errc code, std::string reason) {
  access_reply out;
  out.code = code;
  out.reason = std::move(reason);
  return out;
}

} // namespace

access_keeper::access_keeper(model::access_gate& gate, now_fn now,
                             std::function<void(const std::string&)> report)
    : gate_(gate), now_(std::move(now)), report_(std::move(report)) {}

access_keeper::~access_keeper() {
  {
    std::lock_guard guard{mutex_};
    stopping_ = true;
  }
  kept_.wakes.notify_all();
  hashed_.wakes.notify_all();
  for (auto& x : threads_)
    x.join();
  for (auto* left : {&kept_.jobs, &hashed_.jobs})
    for (auto& x : *left)
      x.done(refusal(errc::shutting_down, "the node ends; ask another one"));
}

caf::error access_keeper::begin(std::unique_ptr<access_records> records) {
  records_ = std::move(records);
  if (auto bad = look())
    return bad;
  std::lock_guard guard{mutex_};
  begun_ = true;
  threads_.emplace_back([this] { keep(); });
  for (size_t i = 0; i < hashing_threads; ++i)
    threads_.emplace_back([this] { hash_passwords(); });
  return caf::none;
}

caf::error access_keeper::look() {
  auto newest = records_->revision();
  if (!newest)
    return std::move(newest.error());
  if (*newest == revision_)
    return caf::none;
  auto rows = records_->read();
  if (!rows)
    return std::move(rows.error());
  revision_ = rows->revision;
  gate_.publish(*rows);
  std::lock_guard guard{mutex_};
  rows_ = std::move(*rows);
  return caf::none;
}

/// It is told again after the next restart if it fails: no more than a day is lost by that.
void access_keeper::note_used() {
  const auto days = gate_.used_since_noted();
  if (days.empty() || records_->note_used(days))
    return;
  revision_ = -1; // What the gate knows of the days is old.
}

void access_keeper::keep() {
  auto look_at = std::chrono::steady_clock::now() + look_every;
  std::unique_lock guard{mutex_};
  while (true) {
    kept_.wakes.wait_until(guard, look_at, [this] { return stopping_ || !kept_.jobs.empty(); });
    if (stopping_)
      return;
    if (!kept_.jobs.empty()) {
      auto next = std::move(kept_.jobs.front());
      kept_.jobs.pop_front();
      guard.unlock();
      next.done(run(next));
      guard.lock();
      continue;
    }
    guard.unlock();
    const auto bad = look();
    if (!bad)
      note_used();
    if (static_cast<bool>(bad) != in_trouble_) {
      in_trouble_ = static_cast<bool>(bad);
      report_(bad ? "changes of keys are not seen, those that are known hold: " + text_of(bad)
                  : "changes of keys are seen again");
    }
    look_at = std::chrono::steady_clock::now() + look_every;
    guard.lock();
  }
}

bool access_keeper::push(line& to, job x, size_t most) {
  {
    std::lock_guard guard{mutex_};
    if (stopping_ || to.jobs.size() >= most)
      return false;
    to.jobs.push_back(std::move(x));
  }
  to.wakes.notify_one();
  return true;
}

void access_keeper::ask(any_access_ask what, std::function<void(access_reply)> done) {
  const auto* entering = std::get_if<access_ask::sign_in>(&what);
  uint32_t wait_s = 0;
  {
    std::lock_guard guard{mutex_};
    if (!begun_)
      return done(refusal(errc::restarting, "the node has not read who may what yet; ask again"));
    if (entering) {
      wait_s = by_address_.wait_s(network_of(entering->from), now_());
      wait_s = wait_s ? wait_s : by_name_.wait_s(entering->name, now_());
    }
  }
  if (wait_s != 0) {
    auto out = refusal(errc::overloaded, "there were too many tries to sign in; wait a moment");
    out.retry_after_s = wait_s;
    return done(std::move(out));
  }
  const bool hashes = entering || std::holds_alternative<access_ask::add_user>(what)
                      || std::holds_alternative<access_ask::set_password>(what);
  if (!push(hashes ? hashed_ : kept_, {std::move(what), done}, hashes ? hashes_most : jobs_most))
    done(refusal(errc::overloaded, "too much is asked about keys and people; ask again"));
}

void access_keeper::hash_passwords() {
  std::unique_lock guard{mutex_};
  while (true) {
    hashed_.wakes.wait(guard, [this] { return stopping_ || !hashed_.jobs.empty(); });
    if (stopping_)
      return;
    auto next = std::move(hashed_.jobs.front());
    hashed_.jobs.pop_front();
    guard.unlock();
    judge(std::move(next));
    guard.lock();
  }
}

/// What a password costs is done here, and the rest where the store is.
void access_keeper::judge(job x) {
  if (auto* entering = std::get_if<access_ask::sign_in>(&x.what)) {
    std::string hash;
    {
      std::lock_guard guard{mutex_};
      const auto found = std::find_if(rows_.users.begin(), rows_.users.end(),
                                      [&](const auto& y) { return y.name == entering->name; });
      hash = found == rows_.users.end() ? "" : found->password;
    }
    if (!model::is_password_of(hash, entering->password)) {
      auto out = refusal(errc::none, "name or password is wrong");
      out.refused = true;
      return x.done(std::move(out));
    }
  } else if (auto* added = std::get_if<access_ask::add_user>(&x.what)) {
    x.hash = model::hash_password(added->password);
  } else if (auto* changed = std::get_if<access_ask::set_password>(&x.what)) {
    x.hash = model::hash_password(changed->password);
  }
  auto done = x.done;
  if (!push(kept_, std::move(x), jobs_most))
    done(refusal(errc::overloaded, "too much is asked about keys and people; ask again"));
}

/// The rows as they are now, or why nothing was done.
access_reply access_keeper::after(caf::expected<bool> done, const char* otherwise) {
  if (!done)
    return refusal(code_of(done.error()), text_of(done.error()));
  if (!*done)
    return refusal(errc::not_found, otherwise);
  access_reply out;
  if (auto bad = look())
    return refusal(code_of(bad), text_of(bad));
  out.rows = rows_;
  return out;
}

access_reply access_keeper::run(job& x) {
  const auto now_us = now_();
  if (std::holds_alternative<access_ask::everything>(x.what))
    return after(true, "");
  if (auto* y = std::get_if<access_ask::add_site>(&x.what))
    return after(records_->add_site({y->site, now_us}), "there is such a site already");
  if (auto* y = std::get_if<access_ask::add_key>(&x.what)) {
    auto made = model::make_key(y->role, y->site, now_us);
    made.key.name = y->name;
    made.key.rate = y->rate;
    made.key.expires_us = y->days ? now_us + y->days * day_us : 0;
    auto out = after(records_->add_key(made.key), "there is no such site; make it first");
    out.key = std::move(made.key);
    out.text = std::move(made.text);
    return out;
  }
  if (auto* y = std::get_if<access_ask::revoke_key>(&x.what)) {
    auto out = after(records_->revoke(y->id, now_us), "there is no such key");
    for (auto& key : out.rows.keys)
      if (key.id == y->id)
        out.key = key;
    return out;
  }
  if (auto* y = std::get_if<access_ask::add_user>(&x.what))
    return after(records_->add_user({y->name, x.hash, y->role, y->site, now_us}),
                 "there is somebody of this name already, or no such site");
  if (auto* y = std::get_if<access_ask::set_password>(&x.what))
    return after(records_->set_password(y->name, x.hash), "there is nobody of this name");
  if (auto* y = std::get_if<access_ask::remove_user>(&x.what))
    return after(records_->remove_user(y->name), "there is nobody of this name");
  if (auto* y = std::get_if<access_ask::sign_out>(&x.what))
    return after(records_->end_session(y->session), "nobody was signed in");
  auto token = model::make_session_token();
  const auto& name = std::get<access_ask::sign_in>(x.what).name;
  auto out =
      after(records_->add_session({model::session_id_of(token), name, now_us, now_us / day_us},
                                  now_us - model::access_gate::session_days * day_us),
            "there is nobody of this name any more");
  out.text = std::move(token);
  return out;
}

} // namespace footfall::app
