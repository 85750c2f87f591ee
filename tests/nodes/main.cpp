#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>

#include <sys/resource.h>

#include "tests/explorer/apart.hpp"
#include "tests/nodes/scene.hpp"
#include "tests/nodes/seeded_bug.hpp"

/// Runs two or three whole nodes on one log and one store, with links that go wrong, once for
/// each seed, each in a process of its own.
namespace {

using namespace footfall::nodes;

constexpr unsigned run_most_s = 60;
constexpr size_t shown_lines = 150;
constexpr uint64_t repeated_every = 50; ///< These seeds run twice, and do the same.

struct options {
  uint64_t first = 1;
  uint64_t seeds = 1000;
  std::string bug;
  bool is_told = false;    ///< The whole history of each run.
  bool messages = false;   ///< And what goes over links.
  bool go_on = false;      ///< After a failure, of which only the reason is shown.
  bool finds_bugs = false; ///< Each bug must be found.
};

/// What a run sends back: this, then the text.
struct report {
  tally counts;
  uint64_t hash = 0;
  bool is_wrong = false;
};

struct outcome_of_run {
  report numbers;
  std::string text; ///< What was wrong stands at its end.
};

scene* running = nullptr; ///< In the process of a run.

std::string history_until_now() {
  return running ? running->here.said.last(shown_lines) : "";
}

std::string run_here(uint64_t seed, bool is_told, bool messages) {
  auto& x = *new scene{seed}; // A process that ends tears nothing down.
  x.here.shows_messages = messages;
  running = &x;
  x.play();
  auto& here = x.here;
  const report out{here.counts, here.said.hash(), here.is_wrong()};
  std::string text;
  if (here.is_wrong() || is_told)
    text = here.said.last(is_told ? 100'000 : shown_lines);
  if (here.is_wrong())
    text += "wrong: " + here.said.what_is_wrong() + '\n';
  return std::string{reinterpret_cast<const char*>(&out), sizeof out} + text;
}

outcome_of_run run(uint64_t seed, bool is_told = false, bool messages = false) {
  const auto sent = footfall::explorer::run_apart([=] { return run_here(seed, is_told, messages); },
                                                  run_most_s, history_until_now);
  outcome_of_run out;
  if (sent.bytes.size() >= sizeof out.numbers) {
    std::memcpy(static_cast<void*>(&out.numbers), sent.bytes.data(), sizeof out.numbers);
    out.text = sent.bytes.substr(sizeof out.numbers);
  }
  if (sent.status != 0) {
    out.numbers.is_wrong = true;
    out.text += "wrong: the run ended with status " + std::to_string(sent.status) + '\n';
  }
  return out;
}

std::string reason_of(const outcome_of_run& x) {
  const auto at = x.text.rfind("wrong: ");
  return at == std::string::npos ? "" : x.text.substr(at + 7);
}

bool read_options(int argc, char** argv, options& out) {
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--verbose") {
      out.is_told = true;
    } else if (name == "--messages") {
      out.is_told = out.messages = true;
    } else if (name == "--go-on") {
      out.go_on = true;
    } else if (name == "--bugs") {
      out.finds_bugs = true;
    } else if (i + 1 < argc && name == "--bug") {
      out.bug = argv[++i];
    } else if (i + 1 < argc && (name == "--seeds" || name == "--first" || name == "--seed")) {
      const auto number = std::strtoull(argv[++i], nullptr, 10);
      (name == "--seeds" ? out.seeds : out.first) = number;
      if (name == "--seed")
        out.seeds = 1;
    } else {
      return false;
    }
  }
  return out.bug.empty() || is_known_bug(out.bug);
}

double seconds_of_a_core() {
  rusage own{}, children{};
  ::getrusage(RUSAGE_SELF, &own);
  ::getrusage(RUSAGE_CHILDREN, &children);
  double out = 0;
  for (const auto& x : {own.ru_utime, own.ru_stime, children.ru_utime, children.ru_stime})
    out += static_cast<double>(x.tv_sec) + static_cast<double>(x.tv_usec) / 1e6;
  return out;
}

void summarize(const options& asked, const tally& x, uint64_t last, uint64_t wrong) {
  std::printf("events %" PRIu64 ", questions %" PRIu64 " (%" PRIu64 " with a position), answers "
              "%" PRIu64 " (%" PRIu64 " without counts), watches %" PRIu64 ", updates %" PRIu64
              ", answers between nodes %" PRIu64 ", from memory %" PRIu64 "\n",
              x.events, x.queries, x.afters, x.answers_checked, x.failed, x.watches, x.updates,
              x.remote, x.live);
  std::printf("links cut %" PRIu64 ", held %" PRIu64 "; nodes killed %" PRIu64 ", left %" PRIu64
              ", stopped %" PRIu64 "; stores harmed %" PRIu64 ", actors killed %" PRIu64
              "; calls failed %" PRIu64 ", lost %" PRIu64 ", delayed %" PRIu64 "\n",
              x.cuts, x.holds, x.node_kills, x.leaves, x.node_stops, x.store_faults, x.kills,
              x.calls_failed, x.calls_lost, x.calls_delayed);
  std::printf("seeds %" PRIu64 " to %" PRIu64 ": %" PRIu64 " runs, %" PRIu64 " failed, %" PRIu64
              " turns, %.1f s of a core\n",
              asked.first, last, x.runs, wrong, x.turns, seconds_of_a_core());
}

/// @returns how many runs failed.
uint64_t run_all(const options& asked, const std::string& command) {
  tally all;
  uint64_t wrong = 0;
  uint64_t seed = asked.first;
  for (; seed < asked.first + asked.seeds && (wrong == 0 || asked.go_on); ++seed) {
    auto x = run(seed, asked.is_told, asked.messages);
    if (seed % repeated_every == 0 && !asked.messages && run(seed).numbers.hash != x.numbers.hash) {
      x.numbers.is_wrong = true;
      x.text += "wrong: the same seed does not do the same again\n";
    }
    all.add(x.numbers.counts);
    wrong += x.numbers.is_wrong ? 1 : 0;
    if (asked.go_on && x.numbers.is_wrong)
      std::printf("seed %" PRIu64 ": %s", seed, reason_of(x).c_str());
    else if (x.numbers.is_wrong || asked.is_told)
      std::printf("seed %" PRIu64 ":\n%sagain: %s --seed %" PRIu64 " --verbose\n", seed,
                  x.text.c_str(), command.c_str(), seed);
  }
  summarize(asked, all, seed - 1, wrong);
  return wrong;
}

/// @returns how many bugs no seed found.
uint64_t look_for_bugs(const options& asked) {
  uint64_t missed = 0;
  for (const auto& bug : known_bugs()) {
    choose_bug(bug);
    std::string wrong;
    uint64_t seed = asked.first;
    for (; wrong.empty() && seed < asked.first + asked.seeds; ++seed)
      wrong = reason_of(run(seed));
    std::printf("%-28s %s seed %" PRIu64 "%s%s\n", bug.c_str(),
                wrong.empty() ? "missed up to" : "caught at", seed - 1, wrong.empty() ? "" : ": ",
                wrong.empty() ? "" : wrong.substr(0, wrong.size() - 1).c_str());
    missed += wrong.empty() ? 1 : 0;
  }
  std::printf("%.1f s of a core\n", seconds_of_a_core());
  return missed;
}

} // namespace

int main(int argc, char** argv) {
  footfall::explorer::fix_addresses(argv);
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  options asked;
  if (!read_options(argc, argv, asked)) {
    std::fprintf(stderr,
                 "usage: %s [--first SEED] [--seeds N] [--seed SEED] [--verbose] [--messages]"
                 " [--go-on] [--bug NAME] [--bugs]\n",
                 argv[0]);
    return 2;
  }
  if (asked.finds_bugs)
    return look_for_bugs(asked) == 0 ? 0 : 1;
  choose_bug(asked.bug);
  return run_all(asked, argv[0] + (asked.bug.empty() ? "" : " --bug " + asked.bug)) == 0 ? 0 : 1;
}
