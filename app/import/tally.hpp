#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace footfall::app {

/// Which line of which file, for people: "line 7", "event 7", "a.log: line 7".
struct line_place {
  std::string file; ///< Empty when there is only one.
  uint64_t number = 0;
  bool is_element = false;
  std::string text() const;
};

/// What became of the lines, and the summary that says so.
class tally {
public:
  uint64_t lines = 0;
  uint64_t accepted = 0;
  uint64_t refused = 0;
  uint64_t blank = 0;
  uint64_t directives = 0;
  uint64_t not_pages = 0;
  uint64_t bots = 0;
  uint64_t repeated = 0; ///< Identical to an earlier line of its file.
  uint64_t unsent = 0;   ///< Read, and not sent when the import ended.
  uint64_t left = 0;     ///< Last lines without a newline.
  uint64_t retries = 0;
  uint64_t bytes = 0;
  /// Of the accepted ones, what the node said of them.
  bool is_news_known = false;
  uint64_t fresh = 0;
  uint64_t already = 0;

  /// Refused lines go to this file too, as they are. False: it cannot be written. What an
  /// earlier run left in it stays until this one begins it.
  bool keep_refused(const std::string& path);
  /// Empties the file for this run, once. The first refused line does so too.
  void begin_refused();
  bool keeps_refused() const noexcept { return file_ != nullptr; }
  /// `header` is what must stand above the line to read it again.
  void refuse(const line_place& where, const std::string& reason, const std::string& line,
              const std::string& header);
  /// Writes the summary. False: the file of refused lines could not be written.
  bool print();

private:
  struct closer {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, closer> file_;
  bool is_begun_ = false;
  std::string header_;
  std::vector<std::string> reasons_;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
};

} // namespace footfall::app
