#pragma once

#include <string>
#include <string_view>
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

/// Looks at the first lines of a log and lets each of them vote.
class format_guess {
public:
  static constexpr size_t lines_max = 100;
  static constexpr size_t bytes_max = 256 << 10;

  void add(std::string line, bool is_cut);
  /// Lets a line vote that is not kept here.
  void vote(std::string_view line);
  bool is_full() const noexcept { return lines_.size() >= lines_max || bytes_ >= bytes_max; }
  /// Some line looked like one of a log.
  bool has_hint() const noexcept;
  /// The format of most lines; `access` when no line has a known form.
  log_format best() const noexcept;

  struct sample {
    std::string text;
    bool is_cut;
  };
  /// The lines looked at, in order; none are kept here afterwards.
  std::vector<sample> take() { return std::exchange(lines_, {}); }

private:
  std::vector<sample> lines_;
  size_t bytes_ = 0;
  size_t votes_[5] = {};
  json_log json_;
};

} // namespace footfall::app
