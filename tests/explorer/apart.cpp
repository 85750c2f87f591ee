#include "tests/explorer/apart.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include <sys/personality.h>
#include <sys/wait.h>
#include <unistd.h>

namespace footfall::explorer {

namespace {

std::string (*told)() = nullptr; // In the process of a run.

void write_all(int to, const char* bytes, size_t count) {
  while (count > 0) {
    const auto n = ::write(to, bytes, count);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      std::_Exit(3);
    bytes += n;
    count -= static_cast<size_t>(n);
  }
}

// The process is lost anyway: what it knows is more use than what is allowed here.
void tell_last_words(int signal) {
  std::fprintf(stderr, "signal %d (%s); the history until then:\n%s", signal,
               signal == SIGALRM ? "the run hangs" : "a crash", told().c_str());
  std::_Exit(100);
}

} // namespace

apart run_apart(const std::function<std::string()>& work, unsigned most_s,
                std::string (*history)()) {
  int ends[2];
  if (::pipe(ends) != 0)
    std::exit(3);
  std::fflush(nullptr);
  const auto child = ::fork();
  if (child < 0)
    std::exit(3);
  if (child == 0) {
    ::close(ends[0]);
    told = history;
    for (int signal : {SIGABRT, SIGSEGV, SIGALRM, SIGFPE, SIGBUS})
      std::signal(signal, tell_last_words);
    ::alarm(most_s);
    const auto bytes = work();
    write_all(ends[1], bytes.data(), bytes.size());
    std::_Exit(0);
  }
  ::close(ends[1]);
  apart out;
  char some[4096];
  for (ssize_t n; (n = ::read(ends[0], some, sizeof some)) > 0 || (n < 0 && errno == EINTR);)
    if (n > 0)
      out.bytes.append(some, static_cast<size_t>(n));
  ::close(ends[0]);
  ::waitpid(child, &out.status, 0);
  return out;
}

void fix_addresses(char** argv) {
  const auto now = ::personality(0xffffffff);
  if (now == -1 || (now & ADDR_NO_RANDOMIZE) != 0
      || ::personality(static_cast<unsigned long>(now) | ADDR_NO_RANDOMIZE) == -1)
    return; // Not allowed in some containers.
  ::execv("/proc/self/exe", argv);
}

} // namespace footfall::explorer
