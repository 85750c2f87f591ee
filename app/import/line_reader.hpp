#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/import/byte_source.hpp"
#include "app/import/json_array.hpp"

namespace footfall::app {

/// How bytes are cut into what an event is made of.
enum class framing : uint8_t {
  guess = 0, ///< An array if it begins as one, else lines.
  lines,
  array, ///< The elements of a JSON array.
};

/// Cuts a log into lines, or into the elements of a JSON array, in bounded memory. A byte
/// order mark at the start of a line is dropped; UTF-16 is named in the failure.
class line_reader {
public:
  static constexpr size_t line_bytes_max = 1 << 20;

  line_reader(std::unique_ptr<byte_source> source, framing how);

  /// With read_state::data the next line, without its end (LF or CRLF). Of a line over
  /// the limit only the start is kept; see is_cut(). At the end, and when the file was
  /// renewed, there may be the rest of a line without its end.
  read_state next(std::string& line);
  bool is_cut() const noexcept { return is_cut_; }

  /// Takes the start of a line whose end is not there yet, as if it had ended here.
  std::string take_rest();

  bool is_array() const noexcept { return how_ == framing::array; }
  /// The end of the array is missing.
  bool is_open() const noexcept { return is_array() && array_.is_open(); }

  const std::string& why() const noexcept { return why_.empty() ? source_->why() : why_; }
  uint64_t bytes_read() const noexcept { return source_->bytes_read(); }
  uint64_t bytes_total() const noexcept { return source_->bytes_total(); }

private:
  /// More bytes into the buffer, behind those that are not used yet.
  read_state fill();
  /// The first bytes: what they are, and how they are to be cut.
  read_state begin();
  bool take_line(std::string& line);

  std::unique_ptr<byte_source> source_;
  const framing wanted_;
  framing how_;
  json_array array_{line_bytes_max};
  std::vector<char> buffer_;
  std::string_view text_; ///< Of the buffer, what is not used yet.
  std::string rest_;
  std::string why_;
  bool is_new_ = true;
  bool is_cut_ = false;
  bool rest_is_cut_ = false;
};

} // namespace footfall::app
