#include "db/postgres/connection.hpp"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <system_error>

#include <libpq-fe.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "db/postgres/session_check.hpp"
#include "proto/failpoint.hpp"

namespace footfall::postgres {

namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

constexpr auto pause_first = 50ms;
constexpr auto pause_most = 500ms;

std::string trimmed(const char* text) {
  std::string out = text ? text : "";
  while (!out.empty() && (out.back() == '\n' || out.back() == ' '))
    out.pop_back();
  return out;
}

/// Of a server's verbose refusal, "FATAL:  28P01: text", takes the state out of the text,
/// and the line about the server's own source. Empty: the server said nothing.
std::string take_state(std::string& text) {
  constexpr size_t size = 5;
  std::string out;
  for (size_t at = 0; out.empty() && (at = text.find(":  ", at)) != std::string::npos; at += 3) {
    const auto state = text.substr(at + 3, size);
    const bool is_state =
        state.size() == size && std::all_of(state.begin(), state.end(), [](unsigned char c) {
          return std::isdigit(c) || std::isupper(c);
        });
    if (is_state && text.compare(at + 3 + size, 2, ": ") == 0) {
      out = state;
      text.replace(at, 3 + size + 2, ": ");
    }
  }
  if (auto place = text.find("\nLOCATION:"); !out.empty() && place != std::string::npos)
    text.erase(place, text.find('\n', place + 1) - place);
  return out;
}

} // namespace

bool only_a_person_mends(const caf::error& why) {
  auto text = text_of(why);
  if (text.size() < 7 || text.back() != ')')
    return false;
  const auto state = text.substr(text.size() - 6, 5);
  // Credentials, a database that is not there, rights and objects, what is not built in.
  for (const char* kind : {"28", "3D", "42", "0A"})
    if (state.compare(0, 2, kind) == 0)
      return true;
  return false;
}

bool is_data_error(const std::string& state) {
  const auto kind = state.substr(0, 2);
  return kind == "22" || kind == "23" || kind == "54";
}

caf::error to_error(const result& x, const std::string& what) {
  auto text = what + ": " + x.text + " (" + x.state + ")";
  if (x.state == state_stopping)
    return make_error(errc::shutting_down, "the store is closing");
  if (is_data_error(x.state))
    return make_error(errc::internal, std::move(text));
  return make_error(errc::store_unavailable, std::move(text));
}

stop_signal::stop_signal() : descriptor_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (descriptor_ < 0)
    throw std::system_error(errno, std::generic_category(), "eventfd");
}

stop_signal::~stop_signal() {
  close(descriptor_);
}

void stop_signal::raise() {
  eventfd_write(descriptor_, 1);
}

bool stop_signal::raised() const {
  pollfd one{descriptor_, POLLIN, 0};
  return poll(&one, 1, 0) > 0;
}

void connection::closer::operator()(pg_conn* x) const {
  PQfinish(x);
}

connection::connection(std::string url, std::string session, const stop_signal& stop,
                       admission admit)
    : servers_(servers_of(url)), session_(std::move(session)), stop_(stop),
      admit_(std::move(admit)) {}

connection::connection(std::vector<server> servers, const stop_signal& stop, bare)
    : servers_(std::move(servers)), stop_(stop), bare_(true) {}

connection::~connection() = default;

caf::error connection::ensure() {
  if (native_)
    return caf::none;
  if (!stop_.raised() && steady::now() < not_before_)
    return make_error(errc::store_unavailable, last_failure_);
  caf::error err;
  std::string all;
  for (size_t tries = 0; tries < servers_.size(); ++tries) {
    if (stop_.raised())
      return make_error(errc::shutting_down, "the store is closing");
    const auto next = next_server();
    err = connect();
    if (!err) {
      pause_ = {};
      return caf::none;
    }
    native_.reset();
    server_no_ = next;
    all += (all.empty() ? "" : "; ") + text_of(err);
  }
  return fail(make_error(code_of(err), all));
}

void connection::hurry(size_t server_no) {
  server_no_ = server_no;
  pause_ = {};
  not_before_ = {};
}

void connection::drop(const caf::error& why) {
  if (why) {
    if (native_)
      server_no_ = next_server();
    fail(why);
  }
  native_.reset();
}

caf::error connection::fail(caf::error err) {
  pause_ = std::clamp<std::chrono::milliseconds>(pause_ * 2, pause_first, pause_most);
  not_before_ = steady::now() + pause_;
  last_failure_ = text_of(err);
  return err;
}

caf::error connection::connect() {
  const auto until = steady::now() + its_server().patience;
  prepared_.clear();
  native_.reset(its_server().start());
  if (native_)
    PQsetErrorVerbosity(native_.get(), PQERRORS_VERBOSE); // With it comes the error's state.
  auto fail = [this](std::string state) {
    auto why = trimmed(native_ ? PQerrorMessage(native_.get()) : "out of memory");
    if (auto told = take_state(why); !told.empty())
      state = told;
    if (why.empty())
      why = "no answer in time";
    return to_error(result{state, why}, "cannot connect to PostgreSQL");
  };
  if (!native_ || PQstatus(native_.get()) == CONNECTION_BAD)
    return fail(state_lost);
  auto next = PGRES_POLLING_WRITING;
  while (next != PGRES_POLLING_OK) {
    const short events = next == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    if (auto* state = wait(events, until))
      return fail(state);
    next = PQconnectPoll(native_.get());
    if (next == PGRES_POLLING_FAILED)
      return fail(state_lost);
  }
  return greet();
}

caf::error connection::greet() {
  // The first six times, a statement that is lost is sent again after some 0.2 s, and not after
  // twice as long each time (tcp(7) does not tell: net/ipv4/tcp_timer.c). None on a local socket.
  const int linear = 1;
  setsockopt(PQsocket(native_.get()), IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS, &linear,
             sizeof linear);
  PQsetErrorVerbosity(native_.get(), PQERRORS_DEFAULT);
  PQsetnonblocking(native_.get(), 1);
  PQsetNoticeProcessor(
      native_.get(), [](void*, const char*) {}, nullptr);
  ++generation_;
  incarnation_ = 0;
  if (bare_)
    return caf::none;
  if (auto err = set_up())
    return err;
  return admit_ ? admit_(*this) : caf::none;
}

caf::error connection::set_up() {
  const std::string what = "cannot set up the connection to PostgreSQL";
  const auto pid = exec("SELECT pg_backend_pid()");
  if (!pid.ok() || pid.rows() == 0)
    return to_error(pid, what);
  // A server tells its own number while it connects; a pooler makes one up.
  if (pid.bytes(0, 0) != std::to_string(PQbackendPID(native_.get())))
    if (auto err = check_session({its_server()}, stop_))
      return make_error(errc::store_unavailable, text_of(err));
  auto done = exec("SET client_encoding = 'UTF8'; SET jit = off; SET timezone = 'UTC';"
                   "SET plan_cache_mode = force_generic_plan;"
                   + session_);
  return done.ok() ? caf::none : to_error(done, what);
}

const char* connection::wait(short events, time_point until) {
  while (true) {
    pollfd both[] = {{PQsocket(native_.get()), events, 0}, {stop_.descriptor(), POLLIN, 0}};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - steady::now()).count();
    if (left <= 0)
      return state_late;
    const int ready = poll(both, 2, static_cast<int>(std::min<int64_t>(left, 60'000)));
    if (ready < 0 && errno != EINTR)
      return state_lost;
    if (both[1].revents != 0)
      return state_stopping;
    if (ready > 0 && both[0].revents != 0)
      return nullptr;
  }
}

result connection::failed(const char* state, std::string text) {
  native_.reset();
  not_before_ = {};
  if (state == state_late) // It may go on to say nothing.
    server_no_ = next_server();
  return {state, std::move(text)};
}

result connection::run(const statement& x, const parameters& values,
                       std::chrono::milliseconds most) {
  const auto until = steady::now() + most;
  if (!native_)
    return failed(state_lost, "not connected");
  if (prepared_.count(x.name) == 0) {
    if (!PQsendPrepare(native_.get(), x.name, x.sql, 0, nullptr))
      return failed(state_lost, trimmed(PQerrorMessage(native_.get())));
    auto done = finish(until);
    if (done.state == "42P05")
      return failed(state_lost, "the session is another one than before; a pooler may have changed "
                                "its mode");
    if (!done.ok())
      return done;
    prepared_.insert(x.name);
  }
  if (!PQsendQueryPrepared(native_.get(), x.name, values.count(), values.values(), values.lengths(),
                           values.formats(), /*binary=*/1))
    return failed(state_lost, trimmed(PQerrorMessage(native_.get())));
  failpoint(x.sent);
  auto done = finish(until);
  if (done.state == "26000")
    return failed(state_lost,
                  "what was prepared in this session is gone; a pooler may have changed "
                  "its mode, or somebody reset the session");
  return done;
}

result connection::exec(const std::string& sql, std::chrono::milliseconds most) {
  const auto until = steady::now() + most;
  if (!native_)
    return failed(state_lost, "not connected");
  if (!PQsendQuery(native_.get(), sql.c_str()))
    return failed(state_lost, trimmed(PQerrorMessage(native_.get())));
  return finish(until);
}

// Sends what is left and reads until the server is ready for the next statement.
// The first failure is the answer.
result connection::finish(time_point until) {
  auto lost = [this] { return failed(state_lost, trimmed(PQerrorMessage(native_.get()))); };
  while (true) {
    const int left = PQflush(native_.get());
    if (left < 0)
      return lost();
    if (left == 0)
      break;
    if (auto* state = wait(POLLIN | POLLOUT, until))
      return failed(state, "the statement could not be sent in time");
    if (!PQconsumeInput(native_.get()))
      return lost();
  }
  result out;
  while (true) {
    while (PQisBusy(native_.get())) {
      if (auto* state = wait(POLLIN, until))
        return failed(state, "the server did not answer in time");
      if (!PQconsumeInput(native_.get()))
        return lost();
    }
    auto* rows = PQgetResult(native_.get());
    if (!rows)
      break;
    if (result next{rows}; out.ok())
      out = std::move(next);
  }
  if (PQstatus(native_.get()) == CONNECTION_BAD)
    return failed(out.state == state_refused ? state_refused : state_lost,
                  out.ok() ? "the connection broke" : out.text);
  return out;
}

void connection::check() {
  if (!native_)
    return;
  pollfd one{PQsocket(native_.get()), POLLIN, 0};
  if (poll(&one, 1, 0) > 0
      && (!PQconsumeInput(native_.get()) || PQstatus(native_.get()) == CONNECTION_BAD))
    failed(state_lost, {});
}

} // namespace footfall::postgres
