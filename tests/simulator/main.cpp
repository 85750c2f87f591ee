#include <algorithm>
#include <cinttypes>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

#include "tests/simulator/scene.hpp"
#include "tests/simulator/seeded_bug.hpp"

/// Runs the rules of ownership on a simulated cluster, once for each seed.
namespace {

using namespace footfall::simulator;

constexpr int found_one = 1;             ///< How a process ends in which a run failed.
constexpr uint64_t repeated_every = 100; ///< These seeds run twice, and do the same.

struct options {
  uint64_t first = 1;
  uint64_t seeds = 1'000;
  std::string bug;
  bool is_told = false;    ///< The whole history of each run.
  bool go_on = false;      ///< After a failure, of which only the reason is shown.
  uint64_t bugs_least = 0; ///< So many of all bugs must be found.
};

// For the handler of a failed assertion, which is a failure as any other.
uint64_t first_seed = 0;
uint64_t current_seed = 0;
std::string current_bug; ///< Of many that are looked for, one after the other.
std::string current_command;

void tell_last_words(int) {
  if (!current_bug.empty())
    std::printf("%-28s caught after %5" PRIu64 " seeds: an assertion failed\n", current_bug.c_str(),
                current_seed - first_seed + 1);
  else
    std::printf("seed %" PRIu64 ": an assertion failed\nagain: %s --seed %" PRIu64 " --verbose\n",
                current_seed, current_command.c_str(), current_seed);
  std::fflush(stdout);
  std::_Exit(found_one);
}

struct outcome {
  std::string wrong; ///< Empty: nothing.
  uint64_t hash = 0;
};

outcome run(uint64_t seed, bool is_told, tally& to) {
  current_seed = seed;
  scene x{seed, is_told};
  x.play();
  to.add(x.here.counts);
  return {x.here.what_is_wrong(), x.here.hash()};
}

bool read_options(int argc, char** argv, options& out) {
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--verbose") {
      out.is_told = true;
    } else if (name == "--go-on") {
      out.go_on = true;
    } else if (i + 1 == argc) {
      return false;
    } else if (name == "--bug") {
      out.bug = argv[++i];
      const auto& all = known_bugs();
      if (std::find(all.begin(), all.end(), out.bug) == all.end()) {
        std::fprintf(stderr, "no bug of this program is called %s\n", argv[i]);
        return false;
      }
    } else {
      const auto number = std::strtoull(argv[++i], nullptr, 10);
      if (name == "--seeds")
        out.seeds = number;
      else if (name == "--first" || name == "--seed")
        out.first = number;
      else if (name == "--bugs")
        out.bugs_least = number;
      else
        return false;
      if (name == "--seed")
        out.seeds = 1;
    }
  }
  return true;
}

void summarize(const options& asked, const tally& x, uint64_t last, uint64_t wrong) {
  std::printf("faults:");
  for (size_t i = 0; i < x.faults.size(); ++i)
    std::printf("%s %s %" PRIu64, i == 0 ? "" : ",", name_of(static_cast<fault>(i)), x.faults[i]);
  std::printf("\nbeats %" PRIu64 ", claims %" PRIu64 ", moves %" PRIu64 ", stops %" PRIu64
              ", applies %" PRIu64 ", answers checked %" PRIu64 ", events %" PRIu64 "\n",
              x.beats, x.claims, x.moves, x.stops, x.applies, x.answers, x.events);
  std::printf("seeds %" PRIu64 " to %" PRIu64 ": %" PRIu64 " histories, %" PRIu64
              " failed, %.1f s of a core\n",
              asked.first, last, x.histories, wrong,
              static_cast<double>(std::clock()) / CLOCKS_PER_SEC);
}

void show(const options& asked, uint64_t seed, const std::string& wrong) {
  tally ignored;
  if (asked.go_on) {
    std::printf("seed %" PRIu64 ": %s\n", seed, wrong.c_str());
    return;
  }
  std::printf("seed %" PRIu64 ":\n", seed);
  if (!asked.is_told)
    run(seed, true, ignored);
  std::printf("wrong: %s\nagain: %s --seed %" PRIu64 "\n", wrong.c_str(), current_command.c_str(),
              seed);
}

/// @returns how many runs failed.
uint64_t run_all(const options& asked) {
  tally all;
  tally ignored;
  uint64_t wrong = 0;
  uint64_t seed = asked.first;
  for (; seed < asked.first + asked.seeds && (wrong == 0 || asked.go_on); ++seed) {
    auto x = run(seed, asked.is_told, all);
    if (seed % repeated_every == 0 && run(seed, false, ignored).hash != x.hash)
      x.wrong = "the same seed does not do the same again";
    if (x.wrong.empty())
      continue;
    ++wrong;
    show(asked, seed, x.wrong);
  }
  summarize(asked, all, seed - 1, wrong);
  return wrong;
}

/// Runs one bug until some seed finds it. @returns whether one did.
bool look_for_bug(const options& asked, const std::string& bug) {
  choose_bug(bug);
  tally ignored;
  std::string wrong;
  uint64_t seeds = 0;
  while (wrong.empty() && seeds < asked.seeds)
    wrong = run(asked.first + seeds++, false, ignored).wrong;
  std::printf("%-28s %s after %5" PRIu64 " seeds%s%s\n", bug.c_str(),
              wrong.empty() ? "missed" : "caught", seeds, wrong.empty() ? "" : ": ", wrong.c_str());
  return !wrong.empty();
}

/// Each bug in a process of its own, as it may fail an assertion. @returns how many were found.
uint64_t look_for_bugs(const options& asked) {
  uint64_t found = 0;
  for (const auto& bug : known_bugs()) {
    std::fflush(nullptr);
    const auto child = ::fork();
    if (child == 0) {
      current_bug = bug;
      const bool is_found = look_for_bug(asked, bug);
      std::fflush(nullptr);
      std::_Exit(is_found ? found_one : 0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    found += WIFEXITED(status) && WEXITSTATUS(status) == found_one;
  }
  std::printf("bugs caught: %" PRIu64 " of %zu\n", found, known_bugs().size());
  return found;
}

} // namespace

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  options asked;
  if (!read_options(argc, argv, asked)) {
    std::fprintf(stderr,
                 "usage: %s [--first SEED] [--seeds N] [--seed SEED] [--bug NAME] [--bugs LEAST]"
                 " [--verbose] [--go-on]\n",
                 argv[0]);
    return 2;
  }
  first_seed = asked.first;
  std::signal(SIGABRT, tell_last_words);
  current_command = argv[0] + (asked.bug.empty() ? "" : " --bug " + asked.bug);
  if (asked.bugs_least > 0)
    return look_for_bugs(asked) >= asked.bugs_least ? 0 : 1;
  choose_bug(asked.bug);
  return run_all(asked) == 0 ? 0 : 1;
}
