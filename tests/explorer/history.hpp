#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace footfall::explorer {

/// What happened in a run, for people, and a hash of all of it: two runs of one seed have
/// the same.
class history {
public:
  void note(int64_t time_us, std::string line) {
    line = std::to_string(time_us / 1000 % 10'000'000) + "ms  " + std::move(line);
    for (unsigned char c : line)
      hash_ = (hash_ ^ c) * 0x100000001b3u;
    lines_.push_back(std::move(line));
  }
  /// The first thing that was wrong ends the run; others may follow from it.
  void wrong(int64_t time_us, std::string what) {
    note(time_us, "WRONG: " + what);
    if (wrong_.empty())
      wrong_ = std::move(what);
  }
  const std::string& what_is_wrong() const { return wrong_; }
  uint64_t hash() const { return hash_; }

  std::string last(size_t most) const {
    std::string out;
    const size_t from = lines_.size() > most ? lines_.size() - most : 0;
    if (from > 0)
      out = "  ... " + std::to_string(from) + " lines before\n";
    for (size_t i = from; i < lines_.size(); ++i)
      out += "  " + lines_[i] + '\n';
    return out;
  }

private:
  std::vector<std::string> lines_;
  std::string wrong_;
  uint64_t hash_ = 0xcbf29ce484222325u;
};

} // namespace footfall::explorer
