#include "net/http/framing.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include <boost/beast/http/basic_parser.hpp>

namespace footfall::http {

namespace beast = boost::beast;
namespace bh = boost::beast::http;

namespace {

using beast::error_code;

/// Wire bytes that chunks may cost beyond twice what they carry.
constexpr size_t chunk_slack = 16 << 10;

problem bad_framing(std::string detail) {
  return {400, "bad_request", std::move(detail)};
}

problem too_large(const framing_limits& limits) {
  return {413, "body_too_large",
          "the body has more than " + std::to_string(limits.body_bytes)
              + " bytes; send it in parts"};
}

bool same_word(beast::string_view text, std::string_view lower) noexcept {
  return beast::iequals(text, beast::string_view(lower.data(), lower.size()));
}

bool is_host(beast::string_view text) noexcept {
  return std::none_of(text.begin(), text.end(), [](char c) {
    const auto u = static_cast<unsigned char>(c);
    return u <= ' ' || u >= 0x7f || c == ',' || c == '/' || c == '@' || c == '?' || c == '#'
           || c == '\\';
  });
}

method method_of(bh::verb verb) noexcept {
  switch (verb) {
  case bh::verb::get: return method::get;
  case bh::verb::head: return method::head;
  case bh::verb::post: return method::post;
  case bh::verb::delete_: return method::del;
  default: return method::other;
  }
}

/// A header that endpoints see, and the most bytes that its value may have.
struct kept_header {
  bh::field name;
  std::string_view text; ///< In lower case, where Beast has no name for it.
  header place;
  size_t most;
  bool is_list; ///< May be said in several lines; what is too long is as good as nothing.
};

constexpr kept_header kept_headers[] = {
    {bh::field::origin, {}, header::origin, 512, false},
    {bh::field::authorization, {}, header::authorization, 512, false},
    {bh::field::if_none_match, {}, header::if_none_match, 512, true},
    {bh::field::accept_encoding, {}, header::accept_encoding, 512, true},
    {bh::field::cookie, {}, header::cookie, 8192, true},
    {bh::field::unknown, "sec-fetch-site", header::fetch_site, 32, false},
    {bh::field::unknown, "last-event-id", header::last_event_id, 2048, true},
    {bh::field::unknown, "traceparent", header::traceparent, 512, true},
};

const char* text_of_error(const error_code& ec) {
  if (ec == bh::error::bad_method)
    return "the request line does not begin with a method";
  if (ec == bh::error::bad_target)
    return "the target of the request is malformed";
  if (ec == bh::error::bad_version)
    return "the version is not HTTP/1.0 or HTTP/1.1";
  if (ec == bh::error::bad_field || ec == bh::error::bad_value)
    return "a header is malformed";
  if (ec == bh::error::bad_content_length || ec == bh::error::multiple_content_length)
    return "Content-Length is malformed, repeated or beside Transfer-Encoding";
  if (ec == bh::error::bad_transfer_encoding)
    return "Transfer-Encoding is repeated or beside Content-Length";
  if (ec == bh::error::bad_chunk || ec == bh::error::bad_chunk_extension)
    return "the chunks of the body are malformed";
  return "the request is not well-formed HTTP/1.1";
}

} // namespace

/// Beast's parser with our checks; it keeps only what endpoints need.
class request_reader::parser final : public bh::basic_parser<true> {
public:
  parser(const framing_limits& limits, request& out) : limits_(limits), out_(out) {
    eager(true);
    header_limit(static_cast<uint32_t>(limits.header_bytes) + 4);
    body_limit(boost::none);
  }

  problem why; ///< Set when one of our checks failed.

private:
  void fail(problem x, error_code& ec) {
    why = std::move(x);
    ec = bh::error::bad_value;
  }

  void on_request_impl(bh::verb verb, beast::string_view, beast::string_view target, int version,
                       error_code& ec) override {
    out_.verb = method_of(verb);
    out_.http_1_0 = version == 10;
    out_.target.assign(target.data(), target.size());
    const auto visible = [](char c) { return c > ' ' && c < 0x7f; };
    if (!std::all_of(target.begin(), target.end(), visible))
      fail(bad_framing("the target holds bytes that are not visible ASCII; percent-encode them"),
           ec);
    else if (out_.target.find('#') != std::string::npos)
      fail(bad_framing("the target holds a fragment; leave out what follows #"), ec);
    else
      strip_authority(ec);
  }

  /// "http://host/path" is the same as "/path" (RFC 9112, 3.2.2), and no path the same as "/".
  void strip_authority(error_code& ec) {
    constexpr std::string_view scheme = "http://";
    auto& target = out_.target;
    if (!same_word({target.data(), std::min(target.size(), scheme.size())}, scheme))
      return;
    target.erase(0, scheme.size());
    const auto end = std::min(target.find_first_of("/?"), target.size());
    if (end == 0 || !is_host({target.data(), end}))
      return fail(bad_framing("the target has no host, or one that is malformed"), ec);
    target_host_ = target.substr(0, end);
    const bool has_path = end < target.size() && target[end] == '/';
    target.replace(0, end, has_path ? "" : "/");
  }

  void on_field_impl(bh::field name, beast::string_view text, beast::string_view value,
                     error_code& ec) override {
    if (++headers_ > limits_.headers)
      return fail({431, "too_many_headers",
                   "the request has more than " + std::to_string(limits_.headers) + " headers"},
                  ec);
    if (head_done_)
      return check_trailer(name, ec);
    switch (name) {
    case bh::field::host: return on_host(value, ec);
    case bh::field::content_length: return on_length(value, ec);
    case bh::field::transfer_encoding: return on_coding(value, ec);
    case bh::field::content_encoding: return on_packing(value);
    case bh::field::expect:
      if (!same_word(value, "100-continue"))
        fail({417, "expectation_failed", "the only Expect that is known is 100-continue"}, ec);
      out_.expects_continue = !out_.http_1_0;
      return;
    default:
      if (name == bh::field::unknown && same_word(text, "footfall-after"))
        on_after(value);
      else
        keep(name, text, value, ec);
    }
  }

  void keep(bh::field name, beast::string_view text, beast::string_view value, error_code& ec) {
    for (const auto& x : kept_headers) {
      if (x.name != name || (!x.text.empty() && !same_word(text, x.text)))
        continue;
      auto& kept = out_.kept[static_cast<size_t>(x.place)];
      if (x.is_list && kept.size() + value.size() >= x.most)
        return;
      if (x.is_list && !kept.empty())
        kept += ',';
      else if (!kept.empty()) // Endpoints decide by it.
        return fail(
            bad_framing("the request has more than one " + std::string(text) + " header; send one"),
            ec);
      else if (value.size() > x.most)
        return fail({431, "header_too_large",
                     "the header " + std::string(text) + " has more than " + std::to_string(x.most)
                         + " bytes"},
                    ec);
      kept.append(value.data(), value.size());
      return;
    }
  }

  void on_packing(beast::string_view value) {
    if (same_word(value, "identity"))
      return;
    if (out_.packed_with != coding::none) // One in the other: nobody sends that.
      out_.packed_with = coding::other;
    else if (same_word(value, "gzip") || same_word(value, "x-gzip"))
      out_.packed_with = coding::gzip;
    else
      out_.packed_with = same_word(value, "zstd") ? coding::zstd : coding::other;
  }

  void on_after(beast::string_view value) {
    if (out_.has_after)
      out_.after += ',';
    out_.has_after = true;
    out_.after.append(value.data(), value.size());
  }

  void check_trailer(bh::field name, error_code& ec) {
    if (name == bh::field::host || name == bh::field::content_length
        || name == bh::field::transfer_encoding || name == bh::field::content_encoding)
      fail(bad_framing("a header that frames the request must not follow its body"), ec);
  }

  void on_host(beast::string_view value, error_code& ec) {
    if (++hosts_ > 1)
      fail(bad_framing("the request has more than one Host header; send exactly one"), ec);
    else if (!is_host(value))
      fail(bad_framing("the Host header is malformed"), ec);
    else
      out_.kept[static_cast<size_t>(header::host)].assign(value.data(), value.size());
  }

  void on_length(beast::string_view value, error_code& ec) {
    const auto* end = value.data() + value.size();
    const auto read = std::from_chars(value.data(), end, length_);
    if (++lengths_ > 1)
      fail(bad_framing("the request has more than one Content-Length; send exactly one"), ec);
    else if (read.ec == std::errc::result_out_of_range)
      fail(too_large(limits_), ec);
    else if (read.ec != std::errc{} || read.ptr != end)
      fail(bad_framing("Content-Length is not a plain decimal number"), ec);
  }

  void on_coding(beast::string_view value, error_code& ec) {
    ++codings_;
    if (codings_ > 1 || !same_word(value, "chunked"))
      fail(bad_framing("Transfer-Encoding is not exactly chunked"), ec);
  }

  void on_header_impl(error_code& ec) override {
    head_done_ = true;
    headers_ = 0;
    out_.keep_alive = keep_alive();
    if (!target_host_.empty()) // It stands above the header (RFC 9112, 3.2.2).
      out_.kept[static_cast<size_t>(header::host)] = target_host_;
    if (hosts_ == 0 && !out_.http_1_0)
      fail(bad_framing("the Host header is missing; HTTP/1.1 demands it"), ec);
    else if (codings_ > 0 && (out_.http_1_0 || lengths_ > 0))
      fail(bad_framing("Transfer-Encoding stands in HTTP/1.0 or beside Content-Length"), ec);
    else if (out_.target.substr(0, 1) != "/" && out_.target != "*")
      fail(bad_framing("the target is not a path; begin it with a slash"), ec);
    else if (length_ > limits_.body_bytes)
      fail(too_large(limits_), ec);
  }

  void on_body_init_impl(const boost::optional<uint64_t>& length, error_code&) override {
    if (length)
      out_.body.reserve(*length);
  }

  size_t on_body_impl(beast::string_view piece, error_code&) override {
    out_.body.append(piece.data(), piece.size());
    return piece.size();
  }

  void on_chunk_header_impl(uint64_t size, beast::string_view, error_code& ec) override {
    if (size > limits_.body_bytes - out_.body.size())
      fail(too_large(limits_), ec);
  }

  size_t on_chunk_body_impl(uint64_t, beast::string_view piece, error_code&) override {
    out_.body.append(piece.data(), piece.size());
    return piece.size();
  }

  void on_finish_impl(error_code&) override {}
  void on_response_impl(int, beast::string_view, int, error_code&) override {}

  const framing_limits& limits_;
  request& out_;
  std::string target_host_;
  size_t headers_ = 0;
  uint64_t length_ = 0;
  int hosts_ = 0;
  int lengths_ = 0;
  int codings_ = 0;
  bool head_done_ = false;
};

/// Where the parser of the current request lives: made anew for each, in place.
struct request_reader::memory {
  std::optional<parser> now;
};

request_reader::request_reader(const framing_limits& limits)
    : limits_(limits), memory_(std::make_unique<memory>()) {}

request_reader::~request_reader() = default;

void request_reader::next() {
  // A big body is rare; its memory is not kept for the small ones that follow.
  if (request_.body.capacity() > (64 << 10))
    request_.body = std::string{};
  request_.clear();
  memory_->now.reset();
  checked_ = 0;
  wire_bytes_ = 0;
}

framing_state request_reader::refuse(problem x) {
  refusal_ = std::move(x);
  return framing_state::refused;
}

/// Looks at the bytes of the head as they come. @returns needs_body once the
/// head is whole.
framing_state request_reader::check_head(std::string_view data) {
  const auto most = std::min(data.size(), limits_.header_bytes);
  for (; checked_ < most; ++checked_) {
    const auto c = static_cast<unsigned char>(data[checked_]);
    if (c >= ' ' && c != 0x7f)
      continue;
    const char before = checked_ > 0 ? data[checked_ - 1] : '\0';
    if (c == '\n' && before == '\r') {
      if (checked_ >= 3 && data[checked_ - 2] == '\n')
        return framing_state::needs_body;
      if (checked_ + 1 == data.size())
        return framing_state::needs_head;
      // A line that begins with a blank continues the one before it.
      if (data[checked_ + 1] != ' ' && data[checked_ + 1] != '\t')
        continue;
    }
    if (c == '\r' && checked_ + 1 == data.size())
      return framing_state::needs_head; // Looked at again, with what follows it.
    if ((c == '\r' && data[checked_ + 1] == '\n') || (c == '\t' && before != '\n'))
      continue;
    return refuse(bad_framing("the head holds a control character, a bare line end or a folded "
                              "header; end each line with CR LF"));
  }
  if (data.size() >= limits_.header_bytes)
    return refuse({431, "header_too_large",
                   "the head of the request has more than " + std::to_string(limits_.header_bytes)
                       + " bytes"});
  return framing_state::needs_head;
}

framing_state request_reader::check_body(size_t left) {
  // Content-Length bounds a plain body; chunks could bloat.
  if (wire_bytes_ + left > 2 * request_.body.size() + limits_.header_bytes + chunk_slack)
    return refuse(bad_framing("the chunks of the body cost more bytes than they carry"));
  return framing_state::needs_body;
}

framing_state request_reader::read(std::string_view data, size_t& used) {
  used = 0;
  const bool at_head = !memory_->now || !memory_->now->is_header_done();
  if (at_head) {
    const auto state = check_head(data);
    if (state != framing_state::needs_body)
      return state;
    memory_->now.emplace(limits_, request_);
  }
  auto& parser = *memory_->now;
  error_code ec;
  if (!parser.is_done())
    used = parser.put({data.data(), data.size()}, ec);
  if (ec && ec != bh::error::need_more)
    return refuse(parser.why.name.empty() ? bad_framing(text_of_error(ec)) : parser.why);
  if (!parser.is_header_done())
    return refuse(bad_framing(text_of_error(ec)));
  wire_bytes_ += used;
  const auto left = parser.is_done() ? 0 : data.size() - used;
  if (parser.chunked() && check_body(left) == framing_state::refused)
    return framing_state::refused;
  return parser.is_done() ? framing_state::complete : framing_state::needs_body;
}

} // namespace footfall::http
