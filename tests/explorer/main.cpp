#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include <sys/personality.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/explorer/ledger.hpp"

/// Runs a whole node on ports that go wrong, once for each seed. Each run is a process of
/// its own: it begins in the same state whichever came before, and one that crashes or
/// hangs is found as well.
namespace {

using namespace footfall::explorer;

constexpr unsigned run_most_s = 30;
constexpr size_t shown_lines = 150;
constexpr uint64_t repeated_every = 50; ///< These seeds run twice, and do the same.

struct options {
  uint64_t first = 1;
  uint64_t seeds = 1000;
  bool verbose = false;
  bool go_on = false;         ///< After a failure, of which only the reason is shown.
  bool needs_failure = false; ///< A bug is in the program: some seed must find it.
};

/// What a run sends back: this, then the text.
struct report {
  tally counts;
  uint64_t hash = 0;
  uint64_t wrong = 0;
};

struct outcome_of_run {
  report numbers;
  std::string text;
};

world* running = nullptr; ///< In the process of a run.

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
               signal == SIGALRM ? "the run hangs" : "a crash",
               running ? running->said.last(shown_lines).c_str() : "");
  std::_Exit(100);
}

[[noreturn]] void run_here(uint64_t seed, bool verbose, int to) {
  for (int signal : {SIGABRT, SIGSEGV, SIGALRM, SIGFPE, SIGBUS})
    std::signal(signal, tell_last_words);
  ::alarm(run_most_s);
  report out;
  std::string text;
  auto& here = *new world{seed}; // A process that ends tears nothing down.
  running = &here;
  workload load{here};
  load.run();
  if (!here.is_wrong())
    load.settle();
  if (!here.is_wrong())
    check_settled(here, load);
  if (!here.is_wrong())
    here.end_node();
  here.counts.runs = 1;
  out = {here.counts, here.said.hash(), here.is_wrong()};
  if (here.is_wrong() || verbose)
    text = here.said.last(verbose ? 100'000 : shown_lines);
  if (here.is_wrong())
    text += "wrong: " + here.said.what_is_wrong() + '\n';
  write_all(to, reinterpret_cast<const char*>(&out), sizeof out);
  write_all(to, text.data(), text.size());
  std::_Exit(0);
}

outcome_of_run run(uint64_t seed, bool verbose) {
  int ends[2];
  if (::pipe(ends) != 0)
    std::exit(3);
  std::fflush(nullptr);
  const auto child = ::fork();
  if (child < 0)
    std::exit(3);
  if (child == 0) {
    ::close(ends[0]);
    run_here(seed, verbose, ends[1]);
  }
  ::close(ends[1]);
  std::string bytes;
  char some[4096];
  for (ssize_t n; (n = ::read(ends[0], some, sizeof some)) > 0 || (n < 0 && errno == EINTR);)
    if (n > 0)
      bytes.append(some, static_cast<size_t>(n));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  outcome_of_run out;
  if (bytes.size() >= sizeof out.numbers) {
    std::memcpy(&out.numbers, bytes.data(), sizeof out.numbers);
    out.text = bytes.substr(sizeof out.numbers);
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    out.numbers.wrong = 1;
    out.text += "wrong: the run ended with status " + std::to_string(status) + '\n';
  }
  return out;
}

// Tables that hash by their address are in the same order each time.
void fix_addresses(char** argv) {
  const auto now = ::personality(0xffffffff);
  if (now == -1 || (now & ADDR_NO_RANDOMIZE) != 0
      || ::personality(static_cast<unsigned long>(now) | ADDR_NO_RANDOMIZE) == -1)
    return; // Not allowed in some containers.
  ::execv("/proc/self/exe", argv);
}

bool read_options(int argc, char** argv, options& out) {
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--verbose") {
      out.verbose = true;
    } else if (name == "--go-on") {
      out.go_on = true;
    } else if (name == "--needs-failure") {
      out.needs_failure = true;
    } else if (i + 1 < argc && (name == "--seeds" || name == "--first" || name == "--seed")) {
      const auto number = std::strtoull(argv[++i], nullptr, 10);
      (name == "--seeds" ? out.seeds : out.first) = number;
      if (name == "--seed")
        out.seeds = 1;
    } else {
      return false;
    }
  }
  return true;
}

void summarize(const options& asked, const tally& x, uint64_t last, uint64_t wrong) {
  std::printf("seeds %llu to %llu: %llu runs, %llu events, %llu questions and %llu answers in "
              "between, %llu turns\n",
              static_cast<unsigned long long>(asked.first), static_cast<unsigned long long>(last),
              static_cast<unsigned long long>(x.runs), static_cast<unsigned long long>(x.events),
              static_cast<unsigned long long>(x.queries),
              static_cast<unsigned long long>(x.answers_checked),
              static_cast<unsigned long long>(x.turns));
  std::printf("port calls %llu: failed %llu, lost %llu, delayed %llu\n",
              static_cast<unsigned long long>(x.calls),
              static_cast<unsigned long long>(x.calls_failed),
              static_cast<unsigned long long>(x.calls_lost),
              static_cast<unsigned long long>(x.calls_delayed));
  std::printf("actors killed %llu, nodes restarted %llu, stores gone back %llu\n",
              static_cast<unsigned long long>(x.kills), static_cast<unsigned long long>(x.restarts),
              static_cast<unsigned long long>(x.stores_back));
  const char* bug = std::getenv("FOOTFALL_SEEDED_BUG");
  std::printf("bugs caught: %llu%s%s\n", static_cast<unsigned long long>(wrong), bug ? ", " : "",
              bug ? bug : "");
}

} // namespace

int main(int argc, char** argv) {
  fix_addresses(argv);
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  options asked;
  if (!read_options(argc, argv, asked)) {
    std::fprintf(stderr,
                 "usage: %s [--first SEED] [--seeds N] [--seed SEED] [--verbose] [--go-on]"
                 " [--needs-failure]\n",
                 argv[0]);
    return 2;
  }
  tally all;
  uint64_t seed = asked.first;
  uint64_t wrong = 0;
  for (; seed < asked.first + asked.seeds && (wrong == 0 || asked.go_on); ++seed) {
    auto x = run(seed, asked.verbose);
    if (seed % repeated_every == 0 && run(seed, false).numbers.hash != x.numbers.hash) {
      x.numbers.wrong = 1;
      x.text += "wrong: the same seed does not do the same again\n";
    }
    all.add(x.numbers.counts);
    wrong += x.numbers.wrong;
    if (asked.go_on && x.numbers.wrong != 0)
      std::printf("seed %llu: %s", static_cast<unsigned long long>(seed),
                  x.text.c_str() + x.text.rfind("wrong: "));
    else if (x.numbers.wrong != 0 || asked.verbose)
      std::printf("seed %llu:\n%shistory %016llx\nagain: %s --seed %llu\n",
                  static_cast<unsigned long long>(seed), x.text.c_str(),
                  static_cast<unsigned long long>(x.numbers.hash), argv[0],
                  static_cast<unsigned long long>(seed));
  }
  summarize(asked, all, seed - 1, wrong);
  return (wrong != 0) == asked.needs_failure ? 0 : 1;
}
