#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace footfall::http {

/// The methods that some endpoint knows.
enum class method : uint8_t { get, head, post, del, other };

/// What a Content-Encoding says of the body.
enum class coding : uint8_t { none, gzip, zstd, other };

/// The headers that are kept for endpoints; each is bounded, see framing.cpp.
enum class header : uint8_t {
  host,
  origin,
  fetch_site, ///< Sec-Fetch-Site.
  if_none_match,
  accept_encoding,
  last_event_id,
  authorization, ///< Secret: never told.
  cookie,        ///< Secret: never told.
  traceparent,
};
inline constexpr size_t headers_kept = 9;

/// "GET", ...; "OTHER".
const char* to_text(method x) noexcept;

/// One request as endpoints see it. Its strings keep their memory for the next.
struct request {
  method verb = method::other;
  bool http_1_0 = false;
  bool keep_alive = true;
  bool expects_continue = false;
  coding packed_with = coding::none;
  bool has_after = false;
  std::string target; ///< As sent, visible ASCII.
  std::string after;  ///< The value of Footfall-After.
  std::string body;
  std::array<std::string, headers_kept> kept; ///< By header; empty where there is none.

  const std::string& value(header x) const { return kept[static_cast<size_t>(x)]; }

  /// The target without its query.
  std::string_view path() const { return std::string_view(target).substr(0, target.find('?')); }
  std::string_view query() const {
    const auto at = target.find('?');
    return at == std::string::npos ? std::string_view{} : std::string_view(target).substr(at + 1);
  }

  /// Ready for the next request.
  void clear() {
    verb = method::other;
    http_1_0 = false;
    keep_alive = true;
    expects_continue = false;
    packed_with = coding::none;
    has_after = false;
    target.clear();
    after.clear();
    body.clear();
    for (auto& x : kept)
      x.clear();
  }
};

} // namespace footfall::http
