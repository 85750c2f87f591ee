#include "app/import/line_reader.hpp"

#include <algorithm>
#include <cstring>

namespace footfall::app {

namespace {

using namespace std::string_view_literals;

constexpr size_t buffer_bytes = 64 << 10;
constexpr std::string_view mark = "\xef\xbb\xbf";

/// The name of an encoding with more than a byte for each letter; null when it is none.
const char* wide_encoding(std::string_view text) noexcept {
  auto begins = [&](std::string_view with) { return text.substr(0, with.size()) == with; };
  if (begins("\xff\xfe\0\0"sv) || begins("\0\0\xfe\xff"sv))
    return "UTF-32";
  if (begins("\xff\xfe"sv) || begins("\xfe\xff"sv))
    return "UTF-16";
  const bool half = text.size() >= 2 && (text[0] == '\0') != (text[1] == '\0');
  return half ? "UTF-16" : nullptr;
}

/// What is not of a line's text: the rest of its end, and a mark before it.
void clean(std::string& line) {
  if (!line.empty() && line.back() == '\r')
    line.pop_back();
  if (line.compare(0, mark.size(), mark) == 0)
    line.erase(0, mark.size());
}

} // namespace

line_reader::line_reader(std::unique_ptr<byte_source> source, framing how)
    : source_(std::move(source)), wanted_(how), how_(how), buffer_(buffer_bytes) {}

read_state line_reader::next(std::string& line) {
  while (true) {
    if (is_new_)
      if (const auto state = begin(); state != read_state::data)
        return state;
    if (take_line(line))
      return read_state::data;
    const auto state = fill();
    if (state == read_state::renewed) {
      is_new_ = true;
      array_ = json_array{line_bytes_max};
    }
    if (state != read_state::data)
      return state;
  }
}

bool line_reader::take_line(std::string& line) {
  if (text_.empty())
    return false;
  if (is_array()) {
    if (!array_.next(text_, rest_))
      return false;
    is_cut_ = array_.is_cut();
    line.swap(rest_);
    rest_.clear();
    return true;
  }
  const auto end = text_.find('\n');
  const size_t length = std::min(end, text_.size());
  const size_t room = line_bytes_max - rest_.size();
  rest_is_cut_ = rest_is_cut_ || length > room;
  // Most lines lie in the buffer as a whole: they are copied once.
  auto& to = end != std::string_view::npos && rest_.empty() ? line : rest_;
  if (&to == &line)
    line.assign(text_.substr(0, std::min(length, room)));
  else
    rest_.append(text_.substr(0, std::min(length, room)));
  text_.remove_prefix(std::min(length + 1, text_.size()));
  if (end == std::string_view::npos)
    return false;
  if (&to == &rest_)
    line.swap(rest_);
  rest_.clear();
  is_cut_ = std::exchange(rest_is_cut_, false);
  clean(line);
  return true;
}

std::string line_reader::take_rest() {
  auto out = std::exchange(rest_, {});
  is_cut_ = std::exchange(rest_is_cut_, false);
  clean(out);
  return out;
}

read_state line_reader::fill() {
  if (!text_.empty() && text_.data() != buffer_.data())
    std::memmove(buffer_.data(), text_.data(), text_.size());
  size_t got = 0;
  const size_t kept = text_.size();
  const auto state = source_->read(buffer_.data() + kept, buffer_.size() - kept, got);
  text_ = {buffer_.data(), kept + got};
  return state;
}

read_state line_reader::begin() {
  bool known = false;
  how_ = wanted_;
  while (!known) {
    const auto state = fill();
    if (state == read_state::renewed)
      text_ = {};
    if (state == read_state::failed || (state != read_state::data && text_.empty()))
      return state;
    if (const char* name = wide_encoding(text_)) {
      (why_ = "it is ") += name;
      (why_ += ", and only UTF-8 is read; convert it: iconv -f ") += name;
      why_ += " -t UTF-8 FILE | footfall import -";
      return read_state::failed;
    }
    const bool is_array = json_array::begins(text_, known);
    known = known || wanted_ != framing::guess || state != read_state::data
            || text_.size() == buffer_.size();
    if (wanted_ == framing::guess)
      how_ = is_array ? framing::array : framing::lines;
  }
  is_new_ = false;
  return read_state::data;
}

} // namespace footfall::app
