#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "tests/explorer/apart.hpp"
#include "tests/explorer/ledger.hpp"

/// Runs a whole node on ports that go wrong, once for each seed, each in a process of its
/// own.
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

std::string history_until_now() {
  return running ? running->said.last(shown_lines) : "";
}

std::string run_here(uint64_t seed, bool verbose) {
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
  const report out{here.counts, here.said.hash(), here.is_wrong()};
  if (here.is_wrong() || verbose)
    text = here.said.last(verbose ? 100'000 : shown_lines);
  if (here.is_wrong())
    text += "wrong: " + here.said.what_is_wrong() + '\n';
  return std::string{reinterpret_cast<const char*>(&out), sizeof out} + text;
}

outcome_of_run run(uint64_t seed, bool verbose) {
  const auto sent =
      run_apart([=] { return run_here(seed, verbose); }, run_most_s, history_until_now);
  outcome_of_run out;
  if (sent.bytes.size() >= sizeof out.numbers) {
    std::memcpy(&out.numbers, sent.bytes.data(), sizeof out.numbers);
    out.text = sent.bytes.substr(sizeof out.numbers);
  }
  if (sent.status != 0) {
    out.numbers.wrong = 1;
    out.text += "wrong: the run ended with status " + std::to_string(sent.status) + '\n';
  }
  return out;
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
