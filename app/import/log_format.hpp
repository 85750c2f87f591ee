#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/import/json_log.hpp"
#include "app/import/line_reader.hpp"

namespace footfall::app {

enum class log_format : uint8_t {
  guess = 0,
  access, ///< "combined" or "common", with or without the virtual host.
  w3c,    ///< W3C extended: IIS, CloudFront.
  json,   ///< Log lines that are JSON objects: nginx, Caddy.
  events, ///< The API's events, as JSON.
};

/// What a value of --format means.
struct format_choice {
  const char* name;
  log_format format;
  framing how;
};

/// All values of --format.
const std::vector<format_choice>& format_choices();

/// Looks at the first lines of a log and lets each of them vote. Keeps those that are not
/// done with.
class format_guess {
public:
  static constexpr size_t lines_max = 100;
  static constexpr size_t bytes_max = 256 << 10;

  struct sample {
    std::string text;
    bool is_cut = false;
    uint64_t number = 0; ///< Of the line, in its file.
    /// The format in which it was refused, for `why`; `header` stood above it.
    log_format refused_as = log_format::guess;
    std::string why = {};
    std::string header = {};
  };

  /// Keeps a line, and lets it vote.
  void add(sample x);
  /// Lets a line vote that is not kept here.
  void vote(std::string_view line);
  /// Enough lines have voted.
  bool is_full() const noexcept { return looked_at_ >= lines_max || bytes_ >= bytes_max; }
  /// Some line looked like one of a log.
  bool has_hint() const noexcept;
  /// The format of most lines; `access` when no line has a known form.
  log_format best() const noexcept;

  /// The lines that are kept, in order; none are kept here afterwards.
  std::vector<sample> take() { return std::exchange(lines_, {}); }
  /// Keeps a line further that has voted.
  void keep(sample x) { lines_.push_back(std::move(x)); }

private:
  std::vector<sample> lines_;
  size_t looked_at_ = 0;
  size_t bytes_ = 0;
  size_t votes_[5] = {};
  json_log json_;
};

} // namespace footfall::app
