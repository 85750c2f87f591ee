#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "net/http/request.hpp"

namespace footfall::http {

/// What became of a packed body.
enum class unpack_result : uint8_t { done, damaged, too_large };

/// Unpacks the body of a request, gzip or zstd, of one member or several. Stops at once
/// when more than `most` bytes come out, whatever it claims to hold.
unpack_result unpack(coding packed_with, std::string_view packed, size_t most, std::string& out);

} // namespace footfall::http
