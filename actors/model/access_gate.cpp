#include "actors/model/access_gate.hpp"

#include <algorithm>

#include "actors/model/access_key.hpp"

namespace footfall::model {

namespace {

constexpr int64_t second_us = 1'000'000;
constexpr int64_t day_us = 86'400 * second_us;

/// The secret of nobody, so that an unknown id costs as much as a wrong secret.
constexpr access_digest nobody{};

const char* what_is_needed(access_need need) {
  switch (need) {
  case access_need::ingest: return "a key with the role ingest or admin";
  case access_need::read:
  case access_need::see: return "a key with the role read or admin";
  case access_need::all_read: return "a key with the role read or admin and the site *";
  default: return "a key with the role admin and the site *";
  }
}

} // namespace

std::string text_of(access_denial x, access_need need) {
  switch (x) {
  case access_denial::none: break;
  case access_denial::not_known_yet: return "the node has not read the keys yet; ask again soon";
  case access_denial::missing:
    return std::string("nobody is signed in, and no key is named; send Authorization: "
                       "Bearer with ")
           + what_is_needed(need) + " (footfall key add makes one)";
  case access_denial::malformed:
    return "Authorization is not Bearer with a key, which has 60 characters and begins with "
           "ff_live_";
  case access_denial::unknown:
    return "the key is not known; footfall key list shows those that are";
  case access_denial::expired: return "the key has expired; footfall key add makes another one";
  case access_denial::revoked: return "the key was revoked; footfall key add makes another one";
  case access_denial::role:
    return std::string("the key may not do this; it takes ") + what_is_needed(need);
  case access_denial::site: return "the key is of another site; leave the site out, or use its key";
  case access_denial::rate:
    return "the key has used what it may have in a second; wait, or have its "
           "rate raised";
  case access_denial::no_share:
    return "there is no such link, or not any more; ask for another one whoever gave it to you";
  case access_denial::no_counter:
    return "the site shows nobody a counter of this page; footfall counter add has it do so";
  }
  return {};
}

rate_meter::result rate_meter::take(uint32_t rate, uint64_t amount, int64_t now_us) {
  if (rate == 0)
    return {};
  constexpr int64_t second_ns = 1'000'000'000;
  constexpr int64_t burst_ns = int64_t{burst_s} * second_ns;
  const auto now_ns = now_us * 1'000;
  const auto wanted_ns = static_cast<int64_t>((amount * second_ns + rate - 1) / rate);
  const auto whole_s = [](int64_t ns) {
    return static_cast<uint32_t>((ns + second_ns - 1) / second_ns);
  };
  auto known = empty_at_ns_.load(std::memory_order_relaxed);
  for (;;) {
    const auto waits_ns = std::max<int64_t>(known - now_ns, 0);
    const bool fits = waits_ns == 0 || waits_ns + wanted_ns <= burst_ns;
    const auto after_ns = fits ? waits_ns + wanted_ns : waits_ns;
    const auto left_ns = std::max<int64_t>(burst_ns - after_ns, 0);
    result out;
    out.taken = fits;
    out.limit = rate * burst_s;
    out.remaining = static_cast<uint32_t>(left_ns / 1'000 * rate / 1'000'000);
    out.reset_s = whole_s(fits ? after_ns : std::min(waits_ns, waits_ns + wanted_ns - burst_ns));
    if (!fits
        || empty_at_ns_.compare_exchange_weak(known, now_ns + after_ns, std::memory_order_relaxed))
      return out;
  }
}

principal::principal(grant of, std::shared_ptr<rate_meter> meter)
    : grant_(std::move(of)), meter_(std::move(meter)) {}

bool principal::may(access_need need) const {
  if (grant_.id.empty())
    return true;
  const bool of_all = grant_.site == all_sites;
  const bool is_admin = grant_.role == access_role::admin;
  switch (need) {
  case access_need::nothing: return true;
  case access_need::ingest: return is_admin || grant_.role == access_role::ingest;
  case access_need::read: return is_admin || grant_.role == access_role::read;
  case access_need::see:
    return is_admin || grant_.role == access_role::read || grant_.role == access_role::share;
  case access_need::all_read: return of_all && (is_admin || grant_.role == access_role::read);
  case access_need::all_admin: return of_all && is_admin;
  }
  return false;
}

bool principal::covers(std::string& site) const {
  if (grant_.id.empty() || grant_.site == all_sites)
    return true;
  if (site.empty())
    site = grant_.site;
  return site == grant_.site;
}

rate_meter::result principal::take(uint64_t amount, int64_t now_us) const {
  return meter_ ? meter_->take(grant_.rate, amount, now_us) : rate_meter::result{};
}

access_denial access_gate::state_of(const entry& x, int64_t now_us) {
  if (x.revoked)
    return access_denial::revoked;
  const auto idle_us = (session_idle_days + 1) * day_us;
  const auto used_day = std::max(x.noted_day, x.meter->used_day.load(std::memory_order_relaxed));
  const bool is_idle = !x.grant.person.empty() && used_day * day_us + idle_us <= now_us;
  return is_idle || (x.grant.ends_us != 0 && x.grant.ends_us <= now_us) ? access_denial::expired
                                                                        : access_denial::none;
}

void access_gate::add(book& to, const book* before, entry x) {
  x.meter = std::make_shared<rate_meter>();
  if (before)
    if (const auto known = before->entries.find(x.grant.id); known != before->entries.end())
      x.meter = known->second.meter;
  auto id = x.grant.id;
  to.entries.emplace(std::move(id), std::move(x));
}

void access_gate::publish(const access_rows& rows) {
  const auto before = snapshot();
  auto next = std::make_shared<book>();
  for (const auto& x : rows.keys) {
    if (x.role == access_role::share)
      next->links.emplace(x.digest, x.id);
    if (x.role == access_role::counter && x.revoked_us == 0)
      next->counters[x.site].emplace_back(x.name, x.id);
    add(*next, before.get(),
        {{x.id, x.role, x.site, {}, x.rate, x.expires_us},
         x.digest,
         x.revoked_us != 0,
         x.used_day,
         {}});
  }
  // The one that says most of a page has its rate.
  for (auto& [site, all] : next->counters)
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
      const bool of_many = a.first.ends_with('*');
      return of_many != b.first.ends_with('*') ? !of_many : a.first.size() > b.first.size();
    });
  absl::flat_hash_map<std::string, const access_user*> people;
  for (const auto& x : rows.users)
    people.emplace(x.name, &x);
  for (const auto& x : rows.sessions)
    if (const auto found = people.find(x.user); found != people.end())
      add(*next, before.get(),
          {{x.id, found->second->role, found->second->site, x.user, 0,
            x.created_us + session_days * day_us},
           {},
           false,
           x.used_day,
           {}});
  next->has_people = !rows.users.empty();
  std::atomic_store_explicit(&book_, std::shared_ptr<const book>(std::move(next)),
                             std::memory_order_release);
}

bool access_gate::has_somebody(int64_t now_us) const {
  const auto now = snapshot();
  return now
         && (now->has_people
             || std::any_of(now->entries.begin(), now->entries.end(), [now_us](const auto& x) {
                  return is_of_programs(x.second.grant.role)
                         && state_of(x.second, now_us) == access_denial::none;
                }));
}

access_gate::verdict access_gate::admitted(const entry& x, access_need need, int64_t now_us) {
  if (const auto why = state_of(x, now_us); why != access_denial::none)
    return {why, {}};
  verdict out{access_denial::none, {x.grant, x.meter}};
  if (!out.who.may(need))
    return {access_denial::role, {}};
  x.meter->used_day.store(now_us / day_us, std::memory_order_relaxed);
  return out;
}

// Found by the hash of a secret, as a session is, so that looking for one tells nothing of others.
access_gate::verdict access_gate::check_link(const book& in, std::string_view token,
                                             access_need need, int64_t now_us) {
  const auto id = in.links.find(digest_of(token));
  const auto found = id == in.links.end() ? in.entries.end() : in.entries.find(id->second);
  if (found == in.entries.end() || state_of(found->second, now_us) != access_denial::none)
    return {access_denial::no_share, {}};
  return admitted(found->second, need, now_us);
}

access_gate::verdict access_gate::check(const credentials& with, access_need need,
                                        int64_t now_us) const {
  if (need == access_need::nothing)
    return {};
  const auto now = snapshot();
  if (!now)
    return {access_denial::not_known_yet, {}};
  if (!with.share.empty())
    return check_link(*now, with.share, need, now_us);
  if (with.bearer.empty()) {
    const auto found =
        with.session.empty() ? now->entries.end() : now->entries.find(session_id_of(with.session));
    if (found == now->entries.end() || state_of(found->second, now_us) != access_denial::none)
      return {access_denial::missing, {}};
    return admitted(found->second, need, now_us);
  }
  const auto text = read_key_text(with.bearer);
  if (!text)
    return {access_denial::malformed, {}};
  const auto found = now->entries.find(std::string(text->id));
  const auto* known = found == now->entries.end() ? nullptr : &found->second;
  if (!is_same(digest_of(text->secret), known ? known->digest : nobody) || !known)
    return {access_denial::unknown, {}};
  return admitted(*known, need, now_us);
}

access_gate::verdict access_gate::check_counter(const std::string& site, std::string_view page,
                                                int64_t now_us) const {
  const auto now = snapshot();
  if (!now)
    return {access_denial::not_known_yet, {}};
  const auto of_site = now->counters.find(site);
  if (of_site != now->counters.end())
    for (const auto& [pages, id] : of_site->second) {
      const auto& found = now->entries.at(id);
      if (shows(pages, page) && state_of(found, now_us) == access_denial::none)
        return admitted(found, access_need::nothing, now_us);
    }
  return {access_denial::no_counter, {}};
}

principal::grant access_gate::signed_in(std::string_view session, int64_t now_us) const {
  principal::grant nobody_is;
  const auto now = snapshot();
  if (!now || session.empty())
    return nobody_is;
  const auto found = now->entries.find(session_id_of(session));
  const bool holds =
      found != now->entries.end() && state_of(found->second, now_us) == access_denial::none;
  return holds ? found->second.grant : nobody_is;
}

bool access_gate::still_holds(const std::string& id, int64_t now_us) const {
  if (id.empty())
    return true;
  const auto now = snapshot();
  if (!now)
    return true;
  const auto found = now->entries.find(id);
  return found != now->entries.end() && state_of(found->second, now_us) == access_denial::none;
}

std::vector<std::pair<std::string, int64_t>> access_gate::used_since_noted() const {
  std::vector<std::pair<std::string, int64_t>> out;
  if (const auto now = snapshot())
    for (const auto& [id, x] : now->entries)
      if (const auto day = x.meter->used_day.load(std::memory_order_relaxed); day > x.noted_day)
        out.emplace_back(id, day);
  return out;
}

std::string_view bearer_of(std::string_view authorization) {
  constexpr std::string_view word = "bearer ";
  if (authorization.size() <= word.size())
    return {};
  for (size_t i = 0; i < word.size(); ++i)
    if ((authorization[i] | 0x20) != (word[i] | 0x20))
      return {};
  authorization.remove_prefix(word.size());
  authorization.remove_prefix(std::min(authorization.find_first_not_of(' '), authorization.size()));
  return authorization;
}

namespace {

std::string_view cookie_of(std::string_view cookies, std::string_view wanted) {
  while (!cookies.empty()) {
    const auto end = std::min(cookies.find(';'), cookies.size());
    auto one = cookies.substr(0, end);
    one.remove_prefix(std::min(one.find_first_not_of(' '), one.size()));
    const auto equals = one.find('=');
    if (equals != std::string_view::npos && one.substr(0, equals) == wanted)
      return one.substr(equals + 1);
    cookies.remove_prefix(std::min(end + 1, cookies.size()));
  }
  return {};
}

} // namespace

/// A neighbour of the host can set the plain one, and not the other.
std::string_view session_of(std::string_view cookies) {
  const auto found = cookie_of(cookies, secure_cookie);
  return found.empty() ? cookie_of(cookies, plain_cookie) : found;
}

} // namespace footfall::model
