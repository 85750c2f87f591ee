#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace footfall::app {

enum class read_state : uint8_t {
  data = 1, ///< Some bytes.
  idle,     ///< None now; more may come.
  end,
  renewed, ///< What follows is another file: the log was rotated, or cut back.
  failed,  ///< why() says more; nothing follows.
};

/// Where the bytes of a log come from. One thread at a time.
class byte_source {
public:
  virtual ~byte_source() = default;

  /// At most `room` bytes to `to`; `got` of them with read_state::data.
  virtual read_state read(char* to, size_t room, size_t& got) = 0;

  /// What failed, for people.
  const std::string& why() const noexcept { return why_; }
  /// As they lie in the file, still packed.
  virtual uint64_t bytes_read() const noexcept = 0;
  /// Of the whole file, or 0 when that is not known.
  virtual uint64_t bytes_total() const noexcept = 0;

protected:
  read_state fail(std::string why) {
    why_ = std::move(why);
    return read_state::failed;
  }

private:
  std::string why_;
};

/// Whether `path` can be opened, as far as that can be told without opening it (a pipe that
/// is opened and closed again is lost to its writer). Sets `bytes`, 0 when they are not
/// known, or `why`.
bool can_read(const std::string& path, uint64_t& bytes, std::string& why);

/// A file, or standard input for "-", to its end. A pipe is idle when nothing came for
/// a tenth of a second. Null when it cannot be read; `why` says it.
std::unique_ptr<byte_source> open_file(const std::string& path, std::string& why);

/// A file that grows: idle at its end. When another file takes its name (rotation by
/// renaming), the old one is read to its end and the new one follows; when it becomes
/// shorter or begins differently (copytruncate), it is read from its start.
std::unique_ptr<byte_source> follow_file(const std::string& path, std::string& why);

/// The bytes of `packed`, unpacked when their first ones say gzip (one member or many) or
/// zstd. Other packings are named in the failure, as is data that ends early.
std::unique_ptr<byte_source> unpack(std::unique_ptr<byte_source> packed);

} // namespace footfall::app
