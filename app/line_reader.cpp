#include "app/line_reader.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <sys/stat.h>

namespace footfall::app {

std::unique_ptr<line_reader> line_reader::open(const std::string& path) {
  std::FILE* file = path == "-" ? stdin : std::fopen(path.c_str(), "rb");
  if (!file)
    return nullptr;
  std::unique_ptr<line_reader> reader{new line_reader(file)};
  struct stat about {};
  if (fstat(fileno(file), &about) == 0) {
    if (S_ISDIR(about.st_mode)) {
      errno = EISDIR;
      return nullptr;
    }
    if (S_ISREG(about.st_mode))
      reader->bytes_total_ = static_cast<uint64_t>(about.st_size);
  }
  return reader;
}

bool line_reader::next(std::string& line) {
  line.clear();
  is_cut_ = false;
  bool any = false;
  while (true) {
    if (begin_ == end_) {
      begin_ = 0;
      end_ = std::fread(buffer_.data(), 1, buffer_.size(), file_.get());
      if (end_ == 0)
        break;
    }
    any = true;
    const char* from = buffer_.data() + begin_;
    const auto* newline = static_cast<const char*>(std::memchr(from, '\n', end_ - begin_));
    const size_t length = newline ? static_cast<size_t>(newline - from) : end_ - begin_;
    const size_t room = line_bytes_max - line.size();
    is_cut_ = is_cut_ || length > room;
    line.append(from, std::min(length, room));
    const size_t used = length + (newline != nullptr);
    begin_ += used;
    bytes_read_ += used;
    if (newline)
      break;
  }
  if (!line.empty() && line.back() == '\r')
    line.pop_back();
  return any;
}

} // namespace footfall::app
