#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace footfall::app {

/// Reads a file or standard input line by line, in bounded memory.
class line_reader {
public:
  static constexpr size_t line_bytes_max = 1 << 20;

  /// "-" is standard input. Null when the file cannot be read; errno says why.
  static std::unique_ptr<line_reader> open(const std::string& path);

  /// The next line without its end (LF or CRLF); false at the end of the file.
  /// Of a line over the limit only the start is kept; see is_cut().
  bool next(std::string& line);
  bool is_cut() const noexcept { return is_cut_; }

  /// False when reading stopped at an error.
  bool is_good() const noexcept { return std::ferror(file_.get()) == 0; }
  uint64_t bytes_read() const noexcept { return bytes_read_; }
  /// Of the whole file, or 0 when that is not known.
  uint64_t bytes_total() const noexcept { return bytes_total_; }

private:
  struct closer {
    void operator()(std::FILE* file) const noexcept {
      if (file != stdin)
        std::fclose(file);
    }
  };
  explicit line_reader(std::FILE* file) : file_(file), buffer_(64 << 10) {}

  std::unique_ptr<std::FILE, closer> file_;
  std::vector<char> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
  bool is_cut_ = false;
  uint64_t bytes_read_ = 0;
  uint64_t bytes_total_ = 0;
};

} // namespace footfall::app
