#pragma once

#include <memory>
#include <string_view>

#include "net/http/request.hpp"
#include "net/http/response.hpp"

namespace footfall::http {

/// Limits of one request.
struct framing_limits {
  size_t header_bytes = 8 << 10;
  size_t headers = 64;
  size_t body_bytes = limits::body_bytes;
};

enum class framing_state : uint8_t { needs_head, needs_body, complete, refused };

/// Reads one request after the other from the bytes of a connection, strictly:
/// what two programs could understand differently is refused. Beast's parser does
/// the reading; what it lets pass (reliability notes: folded values, equal lengths
/// twice, unknown transfer codings, missing or second hosts, bloated chunks) is
/// checked here.
class request_reader {
public:
  explicit request_reader(const framing_limits& limits);
  ~request_reader();

  /// Reads from `data`, which begins where the last call stopped: bytes that were
  /// not `used` come again, with more behind them.
  framing_state read(std::string_view data, size_t& used);

  /// The request; whole once `complete`, its head once `needs_body`.
  request& get() { return request_; }

  /// Why it was refused: the connection ends with this answer.
  const problem& refusal() const { return refusal_; }

  /// Bytes of the body so far, as they came over the wire.
  size_t wire_bytes() const { return wire_bytes_; }

  /// Forgets the request; the next one may begin.
  void next();

private:
  class parser;
  struct memory;
  framing_state refuse(problem x);
  framing_state check_head(std::string_view data);
  framing_state check_body(size_t left);

  const framing_limits& limits_;
  request request_;
  problem refusal_;
  std::unique_ptr<memory> memory_;
  size_t checked_ = 0; ///< Bytes of the head that were looked at.
  size_t wire_bytes_ = 0;
};

} // namespace footfall::http
