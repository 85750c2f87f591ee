/// Runs a fuzz program without libFuzzer: the inputs of a folder, then changes of them by chance
/// for some seconds. An input that breaks a promise is left in fuzz_NAME.broken.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <random>
#include <vector>

#include "tests/fuzz/fuzz.hpp"

namespace {

std::string current, kept_as;

void run(std::string input) {
  current = std::move(input);
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(current.data()), current.size());
}

void write_input(int signal) {
  std::ofstream{kept_as, std::ios::binary} << current;
  std::fprintf(stderr, "the input is in %s\n", kept_as.c_str());
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

/// A few bytes turned, left out, doubled, or taken from another input.
std::string changed(std::string text, const std::vector<std::string>& all, std::mt19937& chance) {
  auto pick = [&](size_t size) { return chance() % std::max<size_t>(size, 1); };
  for (auto steps = 1 + pick(4); steps > 0; --steps) {
    const auto at = pick(text.size() + 1), size = pick(16);
    switch (pick(5)) {
    case 0: text.insert(at, 1, static_cast<char>(chance())); break;
    case 1: text.erase(std::min(at, text.size()), size); break;
    case 2:
      if (at < text.size())
        text[at] = static_cast<char>(text[at] ^ (1 << pick(8)));
      break;
    case 3: text.insert(at, text.substr(std::min(pick(text.size()), text.size()), size)); break;
    default: {
      const auto& other = all[pick(all.size())];
      text = text.substr(0, at) + other.substr(pick(other.size()));
    }
    }
  }
  return text;
}

} // namespace

int main(int count, char** words) {
  if (count != 4) {
    std::fputs("usage: fuzz_NAME FOLDER SECONDS SEED\n", stderr);
    return 2;
  }
  kept_as = std::filesystem::path(words[0]).filename().string() + ".broken";
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE})
    std::signal(signal, write_input);
  std::vector<std::string> all;
  for (const auto& file : std::filesystem::directory_iterator{words[1]}) {
    std::ifstream in{file.path(), std::ios::binary};
    all.emplace_back(std::istreambuf_iterator<char>{in}, std::istreambuf_iterator<char>{});
  }
  if (all.empty()) {
    std::fprintf(stderr, "%s has no inputs\n", words[1]);
    return 2;
  }
  std::sort(all.begin(), all.end()); // A folder has no order.
  for (const auto& x : all)
    run(x);
  std::mt19937 chance{static_cast<uint32_t>(std::stoul(words[3]))};
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{std::stoi(words[2])};
  size_t runs = all.size();
  for (; std::chrono::steady_clock::now() < end; ++runs)
    run(changed(all[chance() % all.size()], all, chance));
  std::printf("%zu inputs, %zu of them kept ones\n", runs, all.size());
  return 0;
}
