#include "db/redis/worker.hpp"

#include <algorithm>
#include <cstring>
#include <random>

#include <hiredis/hiredis.h>
#include <poll.h>
#include <sys/eventfd.h>

#include "db/redis/fields.hpp"
#include "db/redis/scripts.hpp"

namespace footfall {

namespace {

using namespace std::chrono_literals;

constexpr auto pause_first = 100ms;
constexpr auto pause_most = 5000ms;
constexpr auto hello_time_max = 1000ms;
constexpr auto stuck_time = 250ms; ///< A command that waits longer: Redis hangs.
constexpr unsigned late_max = 5;
constexpr auto refusal_shown = 2s;
constexpr auto fill_age_max = 1s;  ///< What was read longer ago may be old by now.
constexpr size_t scripts_max = 64; ///< Fills and advances under way, before further ones.
constexpr size_t group = 64;       ///< Pages of one script call.

} // namespace

void redis_cache::worker::count(counter metrics::*which, uint64_t n) const {
  if (owner_.config_.counts)
    add(owner_.config_.counts->*which, n);
}

std::string redis_cache::worker::key_of(const cache_page& page) const {
  return prefix_ + page;
}

redis_cache::worker::worker(redis_cache& owner) : owner_(owner) {
  begin_anew();
  fills_from_ = {};
}

// Advances are lost: what they would have replaced must never be read again. Nor may a
// fill that was read before them come after, so none is taken for as long as one may
// be under way. The keys of before end with their time to live.
void redis_cache::worker::begin_anew() {
  std::random_device random;
  const auto start = uint64_t{random()} << 32 | random();
  prefix_ = "ff:" + owner_.config_.identity + ":" + std::to_string(start) + ":";
  fills_from_ = steady::now() + fill_age_max;
}

void redis_cache::worker::heed_losses() {
  if (std::exchange(owner_.lost_, false))
    begin_anew();
}

void redis_cache::worker::loop() {
  while (!owner_.stop_) {
    if (!link_.is_open() && steady::now() >= not_before_)
      connect();
    if (ready_)
      send_all();
    else if (!owner_.working_)
      answer_gets_with_misses();
    if (link_.is_open()) {
      if (link_.turn(owner_.wake_, patience()))
        receive();
      else
        drop(link_.failure());
    } else {
      pollfd one{owner_.wake_, POLLIN, 0};
      poll(&one, 1, static_cast<int>(patience().count()));
    }
    eventfd_t ignored;
    eventfd_read(owner_.wake_, &ignored);
    expire();
  }
  drop("closing");
  answer_gets_with_misses();
}

/// Until something must be done although nothing comes in.
std::chrono::milliseconds redis_cache::worker::patience() const {
  if (!link_.is_open())
    return std::clamp(std::chrono::ceil<std::chrono::milliseconds>(not_before_ - steady::now()),
                      1ms, pause_most);
  return commands_.empty() && ready_ ? 1000ms : 5ms;
}

void redis_cache::worker::connect() {
  ready_ = false;
  late_ = 0;
  if (!link_.open(owner_.config_.host, owner_.config_.port)) {
    drop(link_.failure());
    return;
  }
  const auto now = steady::now();
  if (!owner_.config_.password.empty()) {
    if (owner_.config_.username.empty())
      link_.add({"AUTH", owner_.config_.password});
    else
      link_.add({"AUTH", owner_.config_.username, owner_.config_.password});
    commands_.push_back({kind::hello, nullptr, {}, 0, now});
  }
  link_.add({"SCRIPT", "LOAD", redis::fill_script});
  link_.add({"SCRIPT", "LOAD", redis::advance_script});
  commands_.push_back({kind::hello, nullptr, {}, 0, now});
  commands_.push_back({kind::hello, nullptr, {}, 0, now});
  fill_digest_.clear();
  advance_digest_.clear();
}

// All that is under way is lost; lookups miss. The next try comes after a pause.
void redis_cache::worker::drop(const std::string& why) {
  link_.close();
  ready_ = false;
  owner_.working_ = false;
  begin_anew();
  pause_ = std::clamp<std::chrono::milliseconds>(pause_ * 2, pause_first, pause_most);
  not_before_ = steady::now() + pause_;
  count(&metrics::cache_errors);
  for (auto& x : commands_)
    if (x.get)
      finish(*x.get);
  commands_.clear();
  scripts_ = 0;
  std::lock_guard guard{owner_.mutex_};
  owner_.sent_ = 0;
  owner_.health_ =
      "redis " + owner_.config_.host + ":" + std::to_string(owner_.config_.port) + ": " + why;
}

void redis_cache::worker::answer_gets_with_misses() {
  for (auto& x : take_gets())
    owner_.miss(std::move(x));
}

std::deque<redis_cache::lookup> redis_cache::worker::take_gets() {
  std::lock_guard guard{owner_.mutex_};
  heed_losses(); // Before what was asked after them.
  return std::exchange(owner_.gets_, {});
}

// A question never overtakes what was remembered before it: who was told a count is not
// told an older one next. With too much under way it is a miss.
void redis_cache::worker::send_all() {
  auto gets = take_gets();
  const bool all_sent = send_advances() && send_fills();
  for (auto& x : gets) {
    if (all_sent)
      send_get(std::move(x));
    else
      owner_.miss(std::move(x));
  }
}

// One command for each page, whatever users are asked for.
void redis_cache::worker::send_get(lookup x) {
  const auto now = steady::now();
  auto open = std::make_shared<open_lookup>();
  open->found.resize(x.keys.size());
  std::unordered_map<std::string_view, std::vector<size_t>> pages;
  for (size_t i = 0; i < x.keys.size(); ++i)
    pages[x.keys[i].page].push_back(i);
  open->left = pages.size();
  for (auto& [page, keys] : pages) {
    const auto key = key_of(x.keys[keys.front()].page);
    std::vector<std::string> fields;
    for (auto i : keys)
      fields.push_back("u:" + std::to_string(x.keys[i].user_no));
    std::vector<std::string_view> words{"HMGET", key, "ver", "as", "re"};
    words.insert(words.end(), fields.begin(), fields.end());
    link_.add(words);
    commands_.push_back({kind::get, open, std::move(keys), 0, now});
  }
  pages.clear();
  open->ask = std::move(x);
}

void redis_cache::worker::send_script(const std::string& digest,
                                      const std::vector<std::string>& keys,
                                      const std::vector<std::string>& arguments, kind what,
                                      size_t values) {
  const auto key_count = std::to_string(keys.size());
  const auto ttl = std::to_string(owner_.config_.ttl.count());
  const auto fields = std::to_string(owner_.config_.page_users_max);
  std::vector<std::string_view> words{"EVALSHA", digest, key_count};
  words.insert(words.end(), keys.begin(), keys.end());
  words.push_back(ttl);
  words.push_back(fields);
  words.insert(words.end(), arguments.begin(), arguments.end());
  link_.add(words);
  commands_.push_back({what, nullptr, {}, values, steady::now()});
  ++scripts_;
}

bool redis_cache::worker::send_fills() {
  while (scripts_ < scripts_max) {
    std::vector<std::string> keys, arguments;
    const auto oldest = steady::now() - fill_age_max;
    {
      std::lock_guard guard{owner_.mutex_};
      while (!owner_.fills_.empty() && keys.size() < group) {
        auto& [x, since] = owner_.fills_.front();
        if (since >= std::max(oldest, fills_from_)) {
          keys.push_back(key_of(x.page));
          for (auto& argument :
               {std::to_string(x.version), std::to_string(x.as_of_us), redis::pack(x.reached),
                std::to_string(x.user_no), std::to_string(x.clicks)})
            arguments.push_back(argument);
        }
        owner_.fills_.pop_front();
      }
      owner_.sent_ += keys.size();
    }
    if (keys.empty())
      return true;
    send_script(fill_digest_, keys, arguments, kind::fill, keys.size());
  }
  return false;
}

bool redis_cache::worker::send_advances() {
  constexpr size_t arguments_max = 20'000;
  while (scripts_ < scripts_max) {
    std::vector<std::string> keys, arguments;
    {
      std::lock_guard guard{owner_.mutex_};
      heed_losses();
      while (!owner_.advances_.empty() && keys.size() < group && arguments.size() < arguments_max) {
        auto& x = owner_.advances_.front();
        keys.push_back(key_of(x.page));
        for (auto& argument :
             {std::to_string(x.from), std::to_string(x.to), std::to_string(x.as_of_us),
              redis::pack(x.reached), std::to_string(x.changed.size())})
          arguments.push_back(argument);
        for (const auto& [user_no, clicks] : x.changed) {
          arguments.push_back(std::to_string(user_no));
          arguments.push_back(std::to_string(clicks));
        }
        owner_.advances_.pop_front();
      }
      owner_.sent_ += keys.size();
    }
    if (keys.empty())
      return true;
    send_script(advance_digest_, keys, arguments, kind::advance, keys.size());
  }
  return false;
}

void redis_cache::worker::receive() {
  bool broken = false;
  while (link_.is_open() && !commands_.empty()) {
    auto reply = link_.next(broken);
    if (broken) {
      drop(link_.failure());
      return;
    }
    if (!reply)
      return;
    const auto x = std::move(commands_.front());
    commands_.pop_front();
    take(x, *reply);
  }
}

void redis_cache::worker::take(const command& x, const redisReply& reply) {
  if (x.values > 0) {
    --scripts_;
    std::lock_guard guard{owner_.mutex_};
    owner_.sent_ -= x.values;
  }
  if (x.what == kind::hello)
    return take_hello(reply);
  if (x.what == kind::get)
    take_get(x, reply);
  if (reply.type == REDIS_REPLY_ERROR) {
    count(&metrics::cache_errors);
    note_refusal(reply.str);
    if (x.what == kind::advance)
      begin_anew();
    // Redis forgot the scripts: it was restarted behind a proxy, or flushed.
    if (std::strncmp(reply.str, "NOSCRIPT", 8) == 0)
      drop(reply.str);
  } else if (x.what != kind::get) {
    const auto refused = reply.type == REDIS_REPLY_INTEGER ? static_cast<size_t>(reply.integer) : 0;
    count(&metrics::cache_errors, refused);
    if (refused > 0)
      note_refusal("it kept " + std::to_string(refused) + " values out (is its memory full?)");
  }
}

void redis_cache::worker::note_refusal(const std::string& why) {
  std::lock_guard guard{owner_.mutex_};
  owner_.refusal_ =
      "redis " + owner_.config_.host + ":" + std::to_string(owner_.config_.port) + ": " + why;
  owner_.refused_until_ = steady::now() + refusal_shown;
}

void redis_cache::worker::take_hello(const redisReply& reply) {
  if (reply.type == REDIS_REPLY_ERROR) {
    drop(reply.str);
    return;
  }
  if (reply.type != REDIS_REPLY_STRING)
    return; // The answer to AUTH.
  (fill_digest_.empty() ? fill_digest_ : advance_digest_)
      .assign(reply.str, static_cast<size_t>(reply.len));
  if (advance_digest_.empty())
    return;
  ready_ = true;
  pause_ = 0ms;
  owner_.working_ = true;
  std::lock_guard guard{owner_.mutex_};
  owner_.health_.clear();
}

void redis_cache::worker::take_get(const command& x, const redisReply& reply) {
  auto& open = *x.get;
  if (!open.answered)
    late_ = 0;
  cached_count page;
  if (reply.type == REDIS_REPLY_ARRAY && reply.elements == x.keys.size() + 3
      && redis::read_number(reply.element[0], page.version)
      && redis::read_number(reply.element[1], page.as_of_us)) {
    if (reply.element[2]->type == REDIS_REPLY_STRING)
      page.reached = redis::unpack(*reply.element[2]);
    for (size_t i = 0; i < x.keys.size(); ++i) {
      page.hit = redis::read_number(reply.element[i + 3], page.clicks);
      if (page.hit)
        open.found[x.keys[i]] = page;
    }
  }
  if (--open.left == 0)
    finish(open);
}

void redis_cache::worker::finish(open_lookup& x) {
  if (x.answered)
    return;
  x.answered = true;
  x.ask.done(std::move(x.found));
}

// Commands stand in the order they were sent: the first is the oldest.
void redis_cache::worker::expire() {
  const auto now = steady::now();
  for (auto& x : commands_) {
    if (!x.get || x.get->answered)
      continue;
    if (now < x.get->ask.until)
      break;
    x.get->found.assign(x.get->found.size(), {});
    finish(*x.get);
    ++late_;
    // What comes for it later still has to be counted off.
    x.get->found.resize(x.get->ask.keys.size());
  }
  if (!commands_.empty()) {
    const auto most = ready_ ? std::chrono::milliseconds{stuck_time} : hello_time_max;
    if (late_ >= late_max || now - commands_.front().since > most)
      drop("no answer in time");
  }
  if (!ready_ && owner_.working_) {
    // Before the first try has ended, lookups wait no longer than ever.
    std::deque<lookup> late;
    {
      std::lock_guard guard{owner_.mutex_};
      while (!owner_.gets_.empty() && owner_.gets_.front().until <= now) {
        late.push_back(std::move(owner_.gets_.front()));
        owner_.gets_.pop_front();
      }
    }
    for (auto& x : late)
      owner_.miss(std::move(x));
  }
}

} // namespace footfall
