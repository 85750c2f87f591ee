#include "db/postgres/tenure.hpp"

#include <algorithm>
#include <cctype>
#include <random>

#include <unistd.h>

#include "db/postgres/session_check.hpp"

namespace footfall::postgres {

namespace {

using namespace std::chrono_literals;

constexpr auto look_every = 1s;
constexpr auto try_every = 200ms;
constexpr auto patience = 5s;

/// FNV-1a: the same in every version, as two of them may meet.
int64_t key_of(const std::string& topic) {
  uint64_t out = 14'695'981'039'346'656'037u;
  for (unsigned char c : "footfall tenure " + topic) {
    out ^= c;
    out *= 1'099'511'628'211u;
  }
  return static_cast<int64_t>(out);
}

/// "footfall/4711/1a2b3c4d/host": PostgreSQL keeps 63 bytes.
std::string name_of_this() {
  constexpr size_t most = 63;
  char host[256] = "";
  ::gethostname(host, sizeof host - 1);
  char nonce[16];
  std::snprintf(nonce, sizeof nonce, "%08x", static_cast<unsigned>(std::random_device{}()));
  std::string out = "footfall/" + std::to_string(::getpid()) + '/' + nonce + '/';
  for (const char* c = host; *c && out.size() < most; ++c)
    out += std::isalnum(static_cast<unsigned char>(*c)) || *c == '.' || *c == '-' ? *c : '_';
  return out;
}

/// "process 4711 on host", or the name itself when it is none of ours.
std::string shown(const std::string& name) {
  const auto pid = name.find('/') + 1;
  const auto nonce = name.find('/', pid) + 1;
  const auto host = name.find('/', nonce) + 1;
  if (name.compare(0, 9, "footfall/") != 0 || nonce == 0 || host == 0)
    return "a session called \"" + name + '"';
  return "process " + name.substr(pid, nonce - 1 - pid) + " on " + name.substr(host);
}

std::string session_of(const std::string& name) {
  return "SET application_name = '" + name
         + "';"
           "SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2;"
           "SET tcp_keepalives_count = 4; SET tcp_user_timeout = 13000;";
}

} // namespace

tenure::tenure(std::string url, const std::string& topic, kind with)
    : key_(key_of(topic)), name_(name_of_this()), topic_(topic), with_(with),
      connection_(std::move(url), session_of(name_), stop_) {}

caf::expected<std::unique_ptr<tenure>> tenure::take(std::string url, const std::string& topic,
                                                    kind with) {
  auto judged = [](const caf::error& why) {
    return only_a_person_mends(why) ? make_error(errc::invalid_argument, text_of(why)) : why;
  };
  // Behind a pooler that lends sessions the lock would be left to others.
  stop_signal never;
  if (auto err = check_session(servers_of(url), never))
    return judged(err);
  std::unique_ptr<tenure> out{new tenure{std::move(url), topic, with}};
  if (auto err = out->connection_.ensure())
    return judged(err);
  if (auto err = out->try_once())
    return err;
  out->thread_ = std::thread([self = out.get()] { self->run(); });
  return out;
}

tenure::~tenure() {
  {
    std::lock_guard guard{mutex_};
    stopping_ = true;
  }
  ended_.notify_all();
  stop_.raise();
  if (thread_.joinable())
    thread_.join();
}

std::string tenure::lost() const {
  std::lock_guard guard{mutex_};
  return lost_;
}

caf::error tenure::try_once() {
  const std::string what = "cannot ask PostgreSQL whether another node is there";
  const auto got = connection_.exec(std::string{"SELECT pg_try_advisory_lock"}
                                        + (with_ == kind::cluster ? "_shared(" : "(")
                                        + std::to_string(key_) + ")",
                                    patience);
  if (!got.ok() || got.rows() == 0)
    return to_error(got, what);
  if (got.bytes(0, 0) == "t") {
    held_in_ = connection_.generation();
    return caf::none;
  }
  std::string name, session;
  const auto who = holder(name, session);
  if (who.empty())
    return make_error(errc::store_unavailable, what); // It has just gone.
  if (name == name_) { // Ours of before: the server has not noticed yet that it broke.
    connection_.exec("SELECT pg_terminate_backend(" + session + ")", patience);
    return make_error(errc::store_unavailable, "a broken session of this node holds its place");
  }
  return make_error(errc::in_use,
                    "another node applies topic " + topic_ + " to this database: " + who);
}

// Empty: nobody, or it cannot be told.
std::string tenure::holder(std::string& name, std::string& session) {
  const auto key = static_cast<uint64_t>(key_);
  const auto found = connection_.exec(
      "SELECT a.application_name, a.pid, coalesce(host(a.client_addr), 'this machine'),"
      " to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
      " FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
      " WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1"
      " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
      " AND l.classid::bigint = "
          + std::to_string(key >> 32)
          + " AND l.objid::bigint = " + std::to_string(key & 0xffff'ffffu),
      patience);
  if (!found.ok() || found.rows() == 0)
    return {};
  auto text = [&found](int column) { return std::string(found.bytes(0, column)); };
  name = text(0);
  session = text(1);
  return shown(name) + ", since " + text(3) + " (its session " + session + " comes from " + text(2)
         + ")";
}

void tenure::look_after() {
  connection_.check();
  if (connection_.connected() && held_in_ == connection_.generation()) {
    connection_.exec("SELECT 1", patience); // One that does not answer is dropped.
    return;
  }
  held_in_ = 0;
  if (connection_.ensure())
    return;
  const auto err = try_once();
  if (code_of(err) != errc::in_use)
    return;
  connection_.drop();
  std::lock_guard guard{mutex_};
  lost_ = text_of(err);
}

void tenure::run() {
  std::unique_lock guard{mutex_};
  while (!stopping_ && lost_.empty()) {
    const auto pause = held_in_ != 0 && connection_.connected() ? look_every : try_every;
    ended_.wait_for(guard, std::chrono::milliseconds(pause), [this] { return stopping_; });
    if (stopping_)
      return;
    guard.unlock();
    look_after();
    guard.lock();
  }
}

} // namespace footfall::postgres
