#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include <zlib.h>
#include <zstd.h>

#include "app/import/byte_source.hpp"

namespace footfall::app {

namespace {

using namespace std::string_view_literals;

constexpr size_t packed_bytes = 64 << 10;

struct packing {
  std::string_view first_bytes;
  const char* tool; ///< Null: unpacked here.
};
constexpr packing packings[] = {{"\x1f\x8b"sv, nullptr},
                                {"\x28\xb5\x2f\xfd"sv, nullptr},
                                {"\xfd"
                                 "7zXZ"sv,
                                 "xz -dc"},
                                {"BZh"sv, "bzip2 -dc"},
                                {"PK\x03\x04"sv, "unzip -p"},
                                {"\x1f\x9d"sv, "uncompress -c"},
                                {"\x04\x22\x4d\x18"sv, "lz4 -dc"}};

/// A decoder of one packing: `step` moves bytes from `in` to `out` and cuts both.
struct decoder {
  virtual ~decoder() = default;
  /// False: the data is damaged; `why` says how.
  virtual bool step(std::string_view& in, char*& to, size_t& room, std::string& why) = 0;
  /// The data may end here.
  virtual bool may_end() const noexcept = 0;
};

class gzip final : public decoder {
public:
  gzip() { ready_ = inflateInit2(&stream_, 15 + 16) == Z_OK; }
  ~gzip() override { inflateEnd(&stream_); }

  bool step(std::string_view& in, char*& to, size_t& room, std::string& why) override {
    if (at_end_) {
      // Members follow one another; tape blocks are filled up with zeros.
      if (read_one_)
        in.remove_prefix(std::min(in.find_first_not_of('\0'), in.size()));
      if (in.empty())
        return true;
    }
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
    stream_.avail_in = static_cast<uInt>(in.size());
    stream_.next_out = reinterpret_cast<Bytef*>(to);
    stream_.avail_out = static_cast<uInt>(room);
    const int code = ready_ ? inflate(&stream_, Z_NO_FLUSH) : Z_MEM_ERROR;
    in.remove_prefix(in.size() - stream_.avail_in);
    to += room - stream_.avail_out;
    room = stream_.avail_out;
    at_end_ = code == Z_STREAM_END;
    if (at_end_) {
      read_one_ = true;
      return inflateReset(&stream_) == Z_OK;
    }
    if (code == Z_OK || code == Z_BUF_ERROR)
      return true;
    why = std::string("the gzip data is damaged: ") + (stream_.msg ? stream_.msg : "no memory");
    return false;
  }

  bool may_end() const noexcept override { return at_end_; }

private:
  z_stream stream_{};
  bool ready_ = false;
  bool at_end_ = false;
  bool read_one_ = false;
};

class zstd final : public decoder {
public:
  zstd() : stream_(ZSTD_createDStream()) {}
  ~zstd() override { ZSTD_freeDStream(stream_); }

  bool step(std::string_view& in, char*& to, size_t& room, std::string& why) override {
    ZSTD_inBuffer from{in.data(), in.size(), 0};
    ZSTD_outBuffer out{to, room, 0};
    const size_t code = ZSTD_decompressStream(stream_, &out, &from);
    in.remove_prefix(from.pos);
    to += out.pos;
    room -= out.pos;
    if (from.pos > 0 || out.pos > 0 || ZSTD_isError(code))
      left_ = code;
    if (!ZSTD_isError(code))
      return true;
    why = std::string("the zstd data is damaged or needs more memory than is given: ")
          + ZSTD_getErrorName(code);
    return false;
  }

  bool may_end() const noexcept override { return left_ == 0; }

private:
  ZSTD_DStream* stream_;
  size_t left_ = 1;
};

class unpacked final : public byte_source {
public:
  explicit unpacked(std::unique_ptr<byte_source> packed)
      : packed_(std::move(packed)), buffer_(packed_bytes) {}

  read_state read(char* to, size_t room, size_t& got) override {
    if (is_damaged_)
      return read_state::failed;
    if (!is_decided_)
      if (auto state = decide(); state != read_state::data)
        return state;
    if (!decoder_) {
      if (in_.empty())
        return pass_on(packed_->read(to, room, got));
      got = std::min(room, in_.size());
      std::copy_n(in_.data(), got, to);
      in_.remove_prefix(got);
      return read_state::data;
    }
    return decode(to, room, got);
  }

  uint64_t bytes_read() const noexcept override { return packed_->bytes_read(); }
  uint64_t bytes_total() const noexcept override { return packed_->bytes_total(); }

private:
  read_state pass_on(read_state state) {
    if (state == read_state::renewed)
      is_decided_ = false;
    return state == read_state::failed ? fail(packed_->why()) : state;
  }

  /// read_state::data: it is known what the bytes are.
  read_state decide() {
    constexpr size_t longest = 5;
    while (in_.size() < longest) {
      size_t got = 0;
      const size_t kept = in_.size(); // They lie at the buffer's start.
      const auto state = packed_->read(buffer_.data() + kept, buffer_.size() - kept, got);
      in_ = {buffer_.data(), kept + got};
      if (state == read_state::end || (state == read_state::idle && kept > 0 && !may_be_packed()))
        break;
      if (state != read_state::data)
        return pass_on(state);
    }
    is_decided_ = true;
    for (const auto& x : packings)
      if (in_.substr(0, x.first_bytes.size()) == x.first_bytes) {
        if (x.tool)
          return fail(std::string("it is packed in a way that is not read here; unpack it: ")
                      + x.tool + " FILE | footfall import -");
        if (x.first_bytes[0] == '\x1f')
          decoder_ = std::make_unique<gzip>();
        else
          decoder_ = std::make_unique<zstd>();
      }
    return read_state::data;
  }

  bool may_be_packed() const noexcept {
    return std::any_of(std::begin(packings), std::end(packings), [&](const packing& x) {
      return x.first_bytes.substr(0, in_.size()) == in_;
    });
  }

  read_state decode(char* to, size_t room, size_t& got) {
    const char* begin = to;
    std::string why;
    while (true) {
      const bool fine = decoder_->step(in_, to, room, why);
      got = static_cast<size_t>(to - begin);
      if (!fine) {
        is_damaged_ = true;
        fail(std::move(why));
        return got > 0 ? read_state::data : read_state::failed;
      }
      if (got > 0)
        return read_state::data;
      if (!in_.empty())
        continue;
      size_t read = 0;
      const auto state = packed_->read(buffer_.data(), buffer_.size(), read);
      in_ = {buffer_.data(), read};
      if (state == read_state::end && !decoder_->may_end())
        return fail("the packed data ends early: the file is cut off, or still being written");
      if (state != read_state::data)
        return pass_on(state);
    }
  }

  std::unique_ptr<byte_source> packed_;
  std::vector<char> buffer_;
  std::string_view in_; ///< Of the buffer, what is not used yet.
  std::unique_ptr<decoder> decoder_;
  bool is_decided_ = false;
  bool is_damaged_ = false;
};

} // namespace

std::unique_ptr<byte_source> unpack(std::unique_ptr<byte_source> packed) {
  return std::make_unique<unpacked>(std::move(packed));
}

} // namespace footfall::app
