#include "net/http/unpack.hpp"

#include <algorithm>
#include <memory>

#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

namespace footfall::http {

namespace {

constexpr size_t step_bytes = 64 << 10;
constexpr int gzip_only = 15 + 16; ///< The largest window, and a gzip header.

struct inflater {
  z_stream stream{};
  bool ready = inflateInit2(&stream, gzip_only) == Z_OK;
  ~inflater() { inflateEnd(&stream); }
};

unpack_result unpack_gzip(std::string_view packed, size_t most, std::string& out) {
  inflater state;
  auto& stream = state.stream;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  size_t size = 0;
  while (state.ready) {
    if (size == out.size())
      out.resize(std::min(size + step_bytes, most + 1));
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + size);
    stream.avail_out = static_cast<uInt>(out.size() - size);
    const auto room = stream.avail_out;
    const int code = inflate(&stream, Z_NO_FLUSH);
    size += room - stream.avail_out;
    if (size > most)
      return unpack_result::too_large;
    if (code == Z_STREAM_END) {
      if (stream.avail_in == 0) {
        out.resize(size);
        return unpack_result::done;
      }
      state.ready = inflateReset(&stream) == Z_OK; // Another member follows.
    } else if (code != Z_OK || (stream.avail_in == 0 && stream.avail_out > 0)) {
      return unpack_result::damaged; // Or it ends in the middle.
    }
  }
  return unpack_result::damaged;
}

unpack_result unpack_zstd(std::string_view packed, size_t most, std::string& out) {
  if (packed.empty())
    return unpack_result::damaged;
  out.resize(most);
  // In one piece: what the frame wants as its window takes no memory of its own.
  const auto size = ZSTD_decompress(out.data(), out.size(), packed.data(), packed.size());
  if (!ZSTD_isError(size)) {
    out.resize(size);
    return unpack_result::done;
  }
  return ZSTD_getErrorCode(size) == ZSTD_error_dstSize_tooSmall ? unpack_result::too_large
                                                                : unpack_result::damaged;
}

} // namespace

unpack_result unpack(coding packed_with, std::string_view packed, size_t most, std::string& out) {
  out.clear();
  return packed_with == coding::gzip ? unpack_gzip(packed, most, out)
                                     : unpack_zstd(packed, most, out);
}

} // namespace footfall::http
