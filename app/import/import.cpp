#include "app/import/import.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <utility>

#include <sys/stat.h>
#include <unistd.h>

#include "app/client_http.hpp"
#include "app/import/interrupt.hpp"
#include "app/import/log_parser.hpp"
#include "app/import/sender.hpp"
#include "app/progress.hpp"

namespace footfall::app {

namespace {

using std::chrono::steady_clock;

/// A node that answers at all answers a batch in this time.
constexpr std::chrono::seconds answer_timeout{60};

/// Reads one file and gives its lines to the sender.
class file_import {
public:
  file_import(const import_options& options, const format_choice& choice, sender& out,
              tally& counts, progress& bar)
      : options_(options), choice_(choice), out_(out), counts_(counts), bar_(bar),
        is_guessing_(choice.format == log_format::guess),
        parser_(choice.format, parse_rules{options.source, options.site, options.only_pages,
                                           options.skip_bots, options.arrival_time}) {}

  /// @returns 0, or the exit code of what went wrong with the file. False in `go_on`: the
  /// import as a whole ends here.
  int run(const std::string& path, bool& go_on);

private:
  // What returns false ends the import.

  bool take(const std::string& line, bool is_cut);
  /// Reads the lines that were looked at, in the format that leads. Those that it refuses
  /// may wait for another to lead, unless `is_last`.
  bool read_looked_at(bool is_last);
  bool read(const std::string& line, bool is_cut);
  /// Sends the line, counts it, or says in `why` that it is refused.
  bool judge(const std::string& line, bool is_cut, std::string& why);
  bool idle();
  /// The file ends, and the next one begins.
  bool renew();
  /// What stands behind the last newline.
  bool take_rest(const std::string& rest, bool at_end);
  int explain(const std::string& path, const std::string& why) const;

  const import_options& options_;
  const format_choice& choice_;
  sender& out_;
  tally& counts_;
  progress& bar_;
  std::optional<line_reader> reader_;
  format_guess guess_;
  bool is_guessing_;     ///< Lines vote on the format.
  bool may_wait_ = true; ///< Until the first pause of the input, lines wait for all votes.
  log_parser parser_;
  line_place place_; ///< Of the line that is read.
};

int file_import::run(const std::string& path, bool& go_on) {
  std::string why;
  auto source = options_.follow ? follow_file(path, why) : open_file(path, why);
  if (!source)
    return explain(path, "cannot be read: " + why);
  reader_.emplace(unpack(std::move(source)), choice_.how);
  if (options_.files.size() > 1)
    place_.file = path;
  std::string line;
  auto state = read_state::data;
  while (go_on && !is_interrupted()) {
    state = reader_->next(line);
    if (state == read_state::end || state == read_state::failed)
      break;
    place_.is_element = reader_->is_array();
    if (state == read_state::data)
      go_on = take(line, reader_->is_cut());
    else if (state == read_state::idle)
      go_on = idle();
    else
      go_on = renew();
    bar_.show(reader_->bytes_read(), counts_.accepted + counts_.refused);
    if (go_on && counts_.lines % 64 == 0)
      go_on = out_.flush_old(steady_clock::now());
  }
  const auto rest = reader_->take_rest();
  guess_.vote(rest);
  // A followed file ends where it stood still when it was asked to.
  const bool at_end = state == read_state::end || (options_.follow && state == read_state::idle);
  go_on = go_on && read_looked_at(true) && take_rest(rest, at_end);
  counts_.unsent += guess_.take().size();
  counts_.repeated += parser_.repeated();
  if (state == read_state::failed)
    return explain(path, reader_->why());
  if (state == read_state::end && reader_->is_open())
    return explain(path, "the JSON array has no end: the file is cut off, or still being written");
  return is_interrupted() && !options_.follow ? 1 : 0;
}

bool file_import::take(const std::string& line, bool is_cut) {
  ++counts_.lines;
  ++place_.number;
  if (!is_guessing_)
    return read(line, is_cut);
  guess_.add({line, is_cut, place_.number});
  if (guess_.is_full())
    return read_looked_at(true);
  return may_wait_ || read_looked_at(false);
}

bool file_import::read_looked_at(bool is_last) {
  if (!is_guessing_)
    return true;
  parser_.become(guess_.best());
  is_guessing_ = !guess_.is_full();
  bool go_on = true;
  const auto number = place_.number;
  for (auto& x : guess_.take()) {
    if (!go_on) {
      ++counts_.unsent;
      continue;
    }
    place_.number = x.number;
    if (x.refused_as != parser_.format()) {
      go_on = judge(x.text, x.is_cut, x.why);
      x.refused_as = parser_.format();
      x.header = parser_.header();
    }
    if (x.why.empty())
      continue;
    if (is_last)
      counts_.refuse(place_, x.why, x.text, x.header);
    else
      guess_.keep(std::move(x));
  }
  place_.number = number;
  return go_on;
}

bool file_import::read(const std::string& line, bool is_cut) {
  std::string why;
  const bool go_on = judge(line, is_cut, why);
  if (!why.empty())
    counts_.refuse(place_, why, line, parser_.header());
  return go_on;
}

bool file_import::judge(const std::string& line, bool is_cut, std::string& why) {
  why = is_cut ? "longer than 1 MiB" : "";
  click_event event;
  switch (is_cut ? line_fate::refused : parser_.read(line, event, why)) {
  case line_fate::event: return out_.add(place_, event, line, parser_.header());
  case line_fate::blank: ++counts_.blank; break;
  case line_fate::directive: ++counts_.directives; break;
  case line_fate::not_page: ++counts_.not_pages; break;
  case line_fate::bot: ++counts_.bots; break;
  case line_fate::refused: break;
  }
  return true;
}

bool file_import::idle() {
  if (guess_.has_hint()) {
    may_wait_ = false;
    if (!read_looked_at(false))
      return false;
  }
  return out_.flush();
}

bool file_import::renew() {
  const auto rest = reader_->take_rest();
  if (!read_looked_at(true) || !take_rest(rest, false))
    return false;
  place_.number = 0;
  parser_.renew();
  return true;
}

bool file_import::take_rest(const std::string& rest, bool at_end) {
  if (rest.find_first_not_of(" \t\r") == std::string::npos)
    return true;
  // An object that is whole ends by itself; any other line may go on.
  if (!at_end || reader_->is_array() || (!options_.final && !parser_.is_whole(rest))) {
    ++counts_.left;
    return true;
  }
  ++counts_.lines;
  ++place_.number;
  return read(rest, reader_->is_cut());
}

int file_import::explain(const std::string& path, const std::string& why) const {
  bar_.finish();
  std::fprintf(stderr, "footfall: %s: %s\n", path.c_str(), why.c_str());
  return counts_.lines == 0 ? 2 : 1;
}

const format_choice* find_choice(const std::string& name) {
  static const format_choice guess{"", log_format::guess, framing::guess};
  if (name.empty())
    return &guess;
  for (const auto& x : format_choices())
    if (name == x.name)
      return &x;
  return nullptr;
}

/// `a` may be standard input.
bool is_same_file(const std::string& a, const std::string& b) {
  struct stat x {
  }, y{};
  return (a == "-" ? ::fstat(STDIN_FILENO, &x) : ::stat(a.c_str(), &x)) == 0
         && ::stat(b.c_str(), &y) == 0 && S_ISREG(x.st_mode) && x.st_ino == y.st_ino
         && x.st_dev == y.st_dev;
}

/// What is wrong with the options, or nothing.
std::string fault_of(const import_options& x) {
  if (!find_choice(x.format))
    return "--format " + x.format + " is not known";
  if (x.follow && (x.files.size() != 1 || x.files[0] == "-"))
    return "--follow takes one file; standard input is read as it comes anyway";
  for (const auto& file : x.files)
    if (!x.refused.empty() && is_same_file(file, x.refused))
      return "--refused " + x.refused + " is the file to be imported";
  return {};
}

int refuse(const std::string& why) {
  std::fprintf(stderr, "footfall: %s\n", why.c_str());
  return 2;
}

int import_all(const import_options& options, std::unique_ptr<client_http> client, tally& counts) {
  uint64_t total = 0;
  for (const auto& file : options.files)
    if (std::string why; !can_read(file, total, why))
      return refuse("cannot read " + file + ": " + why);
  if (!options.refused.empty() && !counts.keep_refused(options.refused))
    return refuse("--refused " + options.refused + " cannot be written");
  int code = 0;
  bool go_on = true;
  progress bar{options.files.size() == 1 && !options.follow ? total : 0};
  sender out{std::move(client), options.site, options.patience_s, counts, bar};
  // Each is opened in its turn: there may be more than a process may have open.
  for (size_t i = 0; i < options.files.size() && go_on && !is_interrupted(); ++i) {
    file_import one{options, *find_choice(options.format), out, counts, bar};
    code = std::max(code, one.run(options.files[i], go_on));
  }
  out.finish();
  bar.finish();
  return std::max(code, out.exit_code());
}

} // namespace

int run_import(const import_options& options) {
  if (auto fault = fault_of(options); !fault.empty())
    return refuse(fault);
  std::string error;
  auto client = client_http::make(options.to, answer_timeout, error);
  if (!client)
    return refuse("--to " + error);
  tally counts;
  catch_interrupts();
  const int code = import_all(options, std::move(client), counts);
  // Nothing was begun: there is nothing to sum up.
  if (code == 2 && counts.lines == 0)
    return code;
  // All was accepted: the refused lines of this run are none.
  if (code == 0)
    counts.begin_refused();
  if (!counts.print()) {
    std::fprintf(stderr, "footfall: --refused %s could not be written\n", options.refused.c_str());
    return 1;
  }
  return code != 0 ? code : counts.refused > 0 ? 1 : 0;
}

} // namespace footfall::app
