#include "app/access_keeper.hpp"

#include <algorithm>
#include <optional>

#include "actors/model/access_key.hpp"
#include "actors/model/password.hpp"

namespace footfall::app {

namespace {

constexpr size_t jobs_most = 256;
constexpr size_t hashes_most = 32; ///< About two seconds of work.
constexpr size_t hashing_threads = 2;
constexpr int64_t day_us = int64_t{86'400} * 1'000'000;

constexpr const char* too_much = "too much is asked about keys and people; ask again";
constexpr const char* too_late = "the store took too long, and nothing was done";

/// Whoever asked has gone by then.
constexpr std::chrono::seconds patience{10};

using clock = std::chrono::steady_clock;

access_reply wrong() {
  auto out = access_refusal(errc::none, "name or password is wrong");
  out.refused = true;
  return out;
}

/// There may be no memory for a password's hash: that is no reason to end.
template <class Work>
access_reply guarded(Work work) {
  try {
    return work();
  } catch (const std::exception& error) {
    return access_refusal(errc::overloaded, std::string(error.what()) + "; nothing was done");
  }
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
  if (records_)
    records_->interrupt();
  for (auto& x : threads_)
    x.join();
  say_what_is_lost();
  for (auto* left : {&kept_.jobs, &hashed_.jobs})
    for (auto& x : *left)
      x.done(access_refusal(errc::shutting_down, "the node ends; ask another one"));
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
  // Days of use move no revision, and say which sessions are idle.
  const auto today = now_() / day_us;
  if (*newest == revision_ && today == read_on_day_)
    return caf::none;
  auto rows = records_->read();
  if (!rows)
    return std::move(rows.error());
  revision_ = rows->revision;
  read_on_day_ = today;
  std::lock_guard guard{mutex_};
  rows_ = std::move(*rows);
  keep_revoked();
  publish();
  return caf::none;
}

/// Under the mutex.
void access_keeper::publish() {
  gate_.publish(rows_);
  auto told = std::make_shared<access_rows>(rows_);
  for (auto& user : told->users)
    user.password.clear();
  told_ = std::move(told);
}

std::shared_ptr<const access_rows> access_keeper::rows() const {
  std::lock_guard guard{mutex_};
  return told_;
}

/// It is told again after the next restart if it fails: no more than a day is lost by that.
void access_keeper::note_used() {
  const auto days = gate_.used_since_noted();
  if (days.empty() || records_->note_used(days))
    return;
  revision_ = -1; // What the gate knows of the days is old.
}

/// A look is due also while much is asked: what was revoked must be seen.
void access_keeper::keep() {
  auto look_at = clock::now() + look_every;
  std::unique_lock guard{mutex_};
  while (true) {
    kept_.wakes.wait_until(guard, look_at, [this] { return stopping_ || !kept_.jobs.empty(); });
    if (stopping_)
      return;
    std::optional<job> next;
    if (clock::now() < look_at && !kept_.jobs.empty()) {
      next = std::move(kept_.jobs.front());
      kept_.jobs.pop_front();
    }
    guard.unlock();
    if (next) {
      const bool is_late = next->since + patience < clock::now();
      auto said =
          is_late ? access_refusal(errc::timeout, too_late) : guarded([&] { return run(*next); });
      next->done(or_alone(*next, std::move(said)));
    } else {
      look_and_report();
      look_at = clock::now() + look_every;
    }
    guard.lock();
  }
}

void access_keeper::look_and_report() {
  std::string why;
  try {
    auto bad = look();
    if (!bad)
      bad = store_revoked();
    if (bad)
      why = text_of(bad);
    else
      note_used();
  } catch (const std::exception& error) {
    why = error.what();
  }
  {
    std::lock_guard guard{mutex_};
    if (why.empty() == !in_trouble_)
      return;
    in_trouble_ = !why.empty();
  }
  report_(!why.empty() ? "changes of keys are not seen, those that are known hold: " + why
                       : "changes of keys are seen again");
}

/// `x` is untouched unless it is taken.
bool access_keeper::push(line& to, job& x, size_t most) {
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
  const auto* leaving = std::get_if<access_ask::sign_out>(&what);
  uint32_t wait_s = 0;
  {
    std::unique_lock guard{mutex_};
    if (!begun_ || (entering && hashed_.jobs.size() >= hashes_most)) {
      const auto code = begun_ ? errc::overloaded : errc::restarting;
      guard.unlock();
      return done(access_refusal(code, "the node is not ready for this; ask again"));
    }
    if (entering)
      wait_s = wait_for_try(*entering);
    else if (leaving)
      wait_s = by_address_.wait_s(network_of(leaving->from), steady_now());
  }
  if (wait_s != 0) {
    auto out = access_refusal(errc::overloaded, "there were too many tries; wait a moment");
    out.retry_after_s = wait_s;
    return done(std::move(out));
  }
  if (auto alone = begin_alone(what))
    return done(std::move(*alone));
  const bool hashes = entering || std::holds_alternative<access_ask::add_user>(what)
                      || std::holds_alternative<access_ask::set_password>(what);
  job next{std::move(what), done};
  if (!push(hashes ? hashed_ : kept_, next, hashes ? hashes_most : jobs_most))
    done(or_alone(next, access_refusal(errc::overloaded, too_much)));
}

/// 0, or the seconds until it may be tried. Strict for who asks, so that nobody is kept out by
/// strangers who know the name; these are bounded together.
uint32_t access_keeper::wait_for_try(const access_ask::sign_in& x) {
  const auto now_us = steady_now();
  const auto network = network_of(x.from);
  auto out = by_address_.wait_s(network, now_us);
  if (out == 0)
    out = by_name_here_.wait_s(x.name + ' ' + network, now_us);
  return out != 0 ? out : by_name_.wait_s(x.name, now_us);
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
    const auto done = next.done;
    auto failed = guarded([&] {
      judge(next);
      return access_reply{};
    });
    if (failed.code != errc::none)
      done(std::move(failed));
    guard.lock();
  }
}

/// What a password costs is done here, and the rest where the store is.
void access_keeper::judge(job& x) {
  if (auto* entering = std::get_if<access_ask::sign_in>(&x.what)) {
    std::string hash;
    {
      std::lock_guard guard{mutex_};
      const auto found = std::find_if(rows_.users.begin(), rows_.users.end(),
                                      [&](const auto& y) { return y.name == entering->name; });
      hash = found == rows_.users.end() ? "" : found->password;
    }
    if (!model::is_password_of(hash, entering->password))
      return x.done(wrong());
    x.hash = std::move(hash);
    std::lock_guard guard{mutex_};
    by_name_here_.give_back(entering->name + ' ' + network_of(entering->from));
    by_name_.give_back(entering->name);
  } else if (auto* added = std::get_if<access_ask::add_user>(&x.what)) {
    x.hash = model::hash_password(added->password);
  } else if (auto* changed = std::get_if<access_ask::set_password>(&x.what)) {
    x.hash = model::hash_password(changed->password);
  }
  auto done = x.done;
  if (!push(kept_, x, jobs_most))
    done(access_refusal(errc::overloaded, too_much));
}

/// The rows as they are now, or why nothing was done.
access_reply access_keeper::after(caf::expected<bool> done, const char* otherwise) {
  if (!done)
    return access_refusal(code_of(done.error()), text_of(done.error()));
  if (!*done)
    return access_refusal(errc::not_found, otherwise);
  access_reply out;
  if (auto bad = look())
    return access_refusal(code_of(bad), text_of(bad));
  std::lock_guard guard{mutex_};
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
  if (auto* y = std::get_if<access_ask::revoke_key>(&x.what))
    return revoke(y->id, now_us);
  if (auto* y = std::get_if<access_ask::add_user>(&x.what))
    return after(records_->add_user({y->name, x.hash, y->role, y->site, now_us}),
                 "there is somebody of this name already, or no such site");
  if (auto* y = std::get_if<access_ask::set_password>(&x.what))
    return after(records_->set_password(y->name, x.hash), "there is nobody of this name");
  if (auto* y = std::get_if<access_ask::remove_user>(&x.what))
    return after(records_->remove_user(y->name), "there is nobody of this name");
  if (auto* y = std::get_if<access_ask::note_used>(&x.what))
    return note(*y);
  return run_session(x);
}

/// What a node without a store saw.
access_reply access_keeper::note(const access_ask::note_used& x) {
  auto days = x.days;
  for (auto& [id, day] : days)
    day = std::min(day, now_() / day_us);
  if (auto bad = records_->note_used(days))
    return access_refusal(code_of(bad), text_of(bad));
  revision_ = -1; // What the gate knows of the days is old.
  return {};
}

/// Its answer has no rows: it may be asked for by everybody.
access_reply access_keeper::run_session(job& x) {
  const auto now_us = now_();
  if (auto* y = std::get_if<access_ask::sign_out>(&x.what)) {
    auto done = records_->end_session(y->session);
    if (!done)
      return access_refusal(code_of(done.error()), text_of(done.error()));
    auto bad = *done ? look() : caf::error{};
    return bad ? access_refusal(code_of(bad), text_of(bad)) : access_reply{};
  }
  access_reply out;
  out.text = model::make_session_token();
  const auto& name = std::get<access_ask::sign_in>(x.what).name;
  auto done = records_->add_session({model::session_id_of(out.text), name, now_us, now_us / day_us},
                                    x.hash, now_us - model::access_gate::session_days * day_us);
  if (!done)
    return access_refusal(code_of(done.error()), text_of(done.error()));
  if (!*done)
    return wrong(); // The password was changed meanwhile.
  if (auto bad = look())
    return access_refusal(code_of(bad), text_of(bad));
  return out;
}

} // namespace footfall::app
