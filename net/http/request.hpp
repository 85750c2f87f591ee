#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace footfall::http {

/// The methods that some endpoint knows.
enum class method : uint8_t { get, head, post, other };

/// What a Content-Encoding says of the body.
enum class coding : uint8_t { none, gzip, zstd, other };

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

  /// The target without its query.
  std::string_view path() const { return std::string_view(target).substr(0, target.find('?')); }
  std::string_view query() const {
    const auto at = target.find('?');
    return at == std::string::npos ? std::string_view{} : std::string_view(target).substr(at + 1);
  }

  /// Ready for the next request.
  void clear() {
    *this = request{
        method::other,    false,          true, false, coding::none, false, std::move(target),
        std::move(after), std::move(body)};
    target.clear();
    after.clear();
    body.clear();
  }
};

} // namespace footfall::http
