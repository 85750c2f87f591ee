#include "app/client_http.hpp"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <openssl/err.h>
#include <simdjson.h>

#include "app/log.hpp"

namespace footfall::app {

namespace beast = boost::beast;
namespace http = beast::http;
namespace ssl = boost::asio::ssl;
using tcp = boost::asio::ip::tcp;

struct client_http::impl {
  std::string authority; ///< As given, for the Host field.
  std::string host;
  std::string port;
  std::string key; ///< Empty: none is sent.
  std::chrono::seconds timeout;
  boost::asio::io_context context;
  std::optional<ssl::context> trust;      ///< Set: TLS is spoken.
  std::optional<beast::tcp_stream> plain; ///< At most one of both streams is set.
  std::optional<beast::ssl_stream<beast::tcp_stream>> secured;
  beast::flat_buffer buffer;

  std::string name() const { return (trust ? "https://" : "http://") + authority; }
  bool is_connected() const { return plain || secured; }
  beast::tcp_stream& stream() { return secured ? secured->next_layer() : *plain; }
  void disconnect() {
    plain.reset();
    secured.reset();
  }

  /// Runs the operation just begun to its end; the stream's deadline ends it in time.
  void wait() {
    context.restart();
    context.run();
  }

  /// Calls `begin` with the stream that HTTP is spoken on, and waits.
  template <class Begin>
  void run(Begin begin) {
    if (secured)
      begin(*secured);
    else
      begin(*plain);
    wait();
  }

  bool is_address() const {
    beast::error_code no;
    boost::asio::ip::make_address(host, no);
    return !no;
  }

  /// @returns why there is no connection; empty: there is.
  std::string connect() {
    beast::error_code failed;
    tcp::resolver resolver{context};
    const auto addresses = resolver.resolve(host, port, failed);
    if (failed)
      return failed.message();
    buffer.clear();
    if (trust)
      secured.emplace(context, *trust);
    else
      plain.emplace(context);
    stream().expires_after(std::min(timeout, std::chrono::seconds{5}));
    stream().async_connect(addresses, [&](beast::error_code e, const auto&) { failed = e; });
    wait();
    auto why = failed ? failed.message() : trust ? shake_hands() : std::string{};
    if (!why.empty())
      disconnect();
    return why;
  }

  std::string shake_hands() {
    auto* tls = secured->native_handle();
    secured->set_verify_mode(ssl::verify_peer);
    if (is_address()) { // Which no certificate is chosen by.
      X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls), host.c_str());
    } else {
      SSL_set_tlsext_host_name(tls, host.c_str());
      SSL_set1_host(tls, host.c_str());
    }
    beast::error_code failed;
    secured->async_handshake(ssl::stream_base::client, [&](beast::error_code e) { failed = e; });
    wait();
    if (!failed)
      return {};
    const auto reason = ERR_GET_REASON(static_cast<unsigned long>(failed.value()));
    if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED)
      return "its certificate is not trusted here ("
             + std::string{X509_verify_cert_error_string(SSL_get_verify_result(tls))}
             + "); the variable SSL_CERT_FILE may name a PEM file of what to trust";
    if (reason == SSL_R_WRONG_VERSION_NUMBER)
      return "no TLS is spoken there; use http://";
    return failed.message();
  }

  beast::error_code exchange(http::request<http::string_body>& request,
                             http::response_parser<http::string_body>& parser) {
    beast::error_code failed;
    stream().expires_after(timeout);
    run([&](auto& on) {
      http::async_write(on, request, [&](beast::error_code e, size_t) {
        failed = e;
        // A server that refuses a request early answers before it has read it all.
        if (!e || e == boost::asio::error::broken_pipe || e == boost::asio::error::connection_reset)
          http::async_read(on, buffer, parser, [&](beast::error_code f, size_t) { failed = f; });
      });
    });
    if (failed || !parser.keep_alive())
      disconnect();
    return failed;
  }

  client_answer send(http::request<http::string_body> request);
  client_answer follow(http::request<http::string_body> request,
                       const std::function<bool(const server_event&)>& take);
  client_answer no_answer(beast::error_code failed) const;
};

/// Takes the whole events out of `text`. False when `take` wants no more.
bool take_events(std::string& text, const std::function<bool(const server_event&)>& take) {
  for (size_t end; (end = text.find("\n\n")) != std::string::npos;) {
    server_event event;
    for (size_t at = 0; at < end;) {
      const auto stop = std::min(text.find('\n', at), end);
      const auto line = std::string_view(text).substr(at, stop - at);
      const auto colon = line.find(": ");
      const auto value = colon == line.npos ? std::string_view{} : line.substr(colon + 2);
      const auto name = line.substr(0, colon);
      if (name == "event")
        event.name = value;
      else if (name == "id")
        event.id = value;
      else if (name == "data")
        event.data = value;
      at = stop + 1;
    }
    text.erase(0, end + 2);
    if (!event.name.empty() && !take(event))
      return false;
  }
  return true;
}

client_answer client_http::impl::no_answer(beast::error_code failed) const {
  client_answer out;
  out.error = name() + " did not answer: " + failed.message();
  return out;
}

client_answer client_http::impl::follow(http::request<http::string_body> request,
                                        const std::function<bool(const server_event&)>& take) {
  request.set(http::field::host, authority);
  request.set(http::field::user_agent, "footfall/" FOOTFALL_VERSION);
  if (!key.empty())
    request.set(http::field::authorization, "Bearer " + key);
  disconnect();
  client_answer answer;
  if (const auto why = connect(); !why.empty()) {
    answer.error = "cannot reach " + name() + ": " + why;
    return answer;
  }
  http::response_parser<http::buffer_body> parser;
  parser.body_limit(boost::none);
  beast::error_code failed;
  stream().expires_after(timeout);
  run([&](auto& on) {
    http::async_write(on, request, [&](beast::error_code e, size_t) {
      failed = e;
      if (!e)
        http::async_read_header(on, buffer, parser,
                                [&](beast::error_code f, size_t) { failed = f; });
    });
  });
  if (failed)
    return no_answer(failed);
  answer.reached = true;
  answer.status = parser.get().result_int();
  std::string text;
  char piece[16 << 10];
  while (!parser.is_done()) {
    parser.get().body() = {piece, sizeof piece, true};
    stream().expires_after(timeout);
    run([&](auto& on) {
      http::async_read_some(on, buffer, parser, [&](beast::error_code e, size_t) { failed = e; });
    });
    text.append(piece, sizeof piece - parser.get().body().size);
    if (failed && failed != http::error::need_buffer)
      break;
    if (answer.status == 200 && !take_events(text, take))
      break;
  }
  disconnect();
  answer.body = std::move(text);
  return answer;
}

client_answer client_http::impl::send(http::request<http::string_body> request) {
  request.set(http::field::host, authority);
  request.set(http::field::user_agent, "footfall/" FOOTFALL_VERSION);
  if (!key.empty())
    request.set(http::field::authorization, "Bearer " + key);
  request.prepare_payload();
  client_answer answer;
  while (true) {
    const bool was_kept = is_connected();
    if (!was_kept)
      if (const auto why = connect(); !why.empty()) {
        answer.error = "cannot reach " + name() + ": " + why;
        return answer;
      }
    http::response_parser<http::string_body> parser;
    parser.body_limit(256 << 20);
    if (auto failed = exchange(request, parser)) {
      if (was_kept && failed != beast::error::timeout)
        continue;
      answer.error = name() + " did not answer: " + failed.message();
      // Whatever else fails in HTTP itself is another protocol's answer.
      answer.reached =
          failed == http::error::end_of_stream || failed == http::error::partial_message
          || failed.category() != beast::error_code{http::error::end_of_stream}.category();
      return answer;
    }
    auto& response = parser.get();
    answer.reached = true;
    answer.status = response.result_int();
    answer.body = std::move(response.body());
    auto seconds_of = [](std::string_view text) {
      int64_t seconds = 0;
      std::from_chars(text.data(), text.data() + text.size(), seconds);
      return std::chrono::seconds{std::max<int64_t>(seconds, 0)};
    };
    const auto wait = response[http::field::retry_after];
    answer.retry_after = std::min(seconds_of({wait.data(), wait.size()}), std::chrono::seconds{60});
    const auto lag = response["Footfall-Lag"];
    answer.lag = seconds_of({lag.data(), lag.size()});
    return answer;
  }
}

std::unique_ptr<client_http> client_http::make(const std::string& url, std::chrono::seconds timeout,
                                               std::string& error) {
  constexpr std::string_view schemes[] = {"http://", "https://"};
  auto x = std::make_unique<impl>();
  std::string_view rest = url;
  error = redact('"' + url + "\" is not a URL like http://127.0.0.1:8080");
  const bool secure = rest.starts_with(schemes[1]);
  if (!secure && !rest.starts_with(schemes[0]))
    return nullptr;
  rest.remove_prefix(schemes[secure].size());
  x->port = secure ? "443" : "80";
  if (!rest.empty() && rest.back() == '/')
    rest.remove_suffix(1);
  if (!rest.empty() && rest.front() == '[' && rest.find(']') == std::string_view::npos)
    return nullptr;
  x->authority = rest;
  const auto bracket = rest.empty() || rest.front() != '[' ? 0 : rest.find(']');
  const auto colon = bracket == std::string_view::npos ? bracket : rest.find(':', bracket);
  x->host = rest.substr(0, colon);
  if (colon != std::string_view::npos)
    x->port = rest.substr(colon + 1);
  uint16_t port = 0;
  const auto* end = x->port.data() + x->port.size();
  const auto read = std::from_chars(x->port.data(), end, port);
  if (x->host.empty() || x->host.find_first_of("/?#@ ") != std::string::npos
      || read.ec != std::errc{} || read.ptr != end || port == 0)
    return nullptr;
  if (x->host.front() == '[')
    x->host = x->host.substr(1, x->host.size() - 2);
  x->timeout = timeout;
  if (secure) {
    x->trust.emplace(ssl::context::tls_client);
    beast::error_code failed;
    x->trust->set_default_verify_paths(failed);
    SSL_CTX_set_min_proto_version(x->trust->native_handle(), TLS1_2_VERSION);
  }
  if (const char* key = std::getenv("FOOTFALL_KEY"))
    x->key = key;
  if (x->key.find_first_of("\r\n") != std::string::npos) {
    error = "FOOTFALL_KEY holds more than one line; give it the key alone";
    return nullptr;
  }
  error.clear();
  return std::unique_ptr<client_http>{new client_http(std::move(x))};
}

client_http::client_http(std::unique_ptr<impl> x) : impl_(std::move(x)) {}

client_http::~client_http() = default;

client_answer client_http::get(const std::string& target) {
  return impl_->send({http::verb::get, target, 11});
}

client_answer client_http::post(const std::string& target, const std::string& content_type,
                                const std::string& body) {
  http::request<http::string_body> request{http::verb::post, target, 11, body};
  request.set(http::field::content_type, content_type);
  return impl_->send(std::move(request));
}

client_answer client_http::follow(const std::string& target, const std::string& last,
                                  const std::function<bool(const server_event&)>& take) {
  http::request<http::string_body> request{http::verb::get, target, 11};
  if (!last.empty())
    request.set("Last-Event-ID", last);
  return impl_->follow(std::move(request), take);
}

std::string url_encode(const std::string& text) {
  constexpr char hex[] = "0123456789ABCDEF";
  constexpr std::string_view plain = "-._~/";
  std::string out;
  for (unsigned char c : text) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
                          || plain.find(static_cast<char>(c)) != std::string_view::npos;
    if (is_plain)
      out += static_cast<char>(c);
    else
      out += {'%', hex[c >> 4], hex[c & 15]};
  }
  return out;
}

std::string problem_text(const client_answer& answer) {
  if (answer.status == 0)
    return answer.error;
  simdjson::dom::parser parser;
  std::string_view detail;
  simdjson::dom::element problem;
  if (parser.parse(answer.body).get(problem) == simdjson::SUCCESS
      && problem["detail"].get(detail) == simdjson::SUCCESS)
    return redact(detail);
  return "the node answered " + std::to_string(answer.status);
}

int explain_failure(const client_answer& answer) {
  std::fprintf(stderr, "footfall: %s\n", problem_text(answer).c_str());
  if (answer.status == 0)
    return 3;
  return answer.status == 400 ? 2 : 1;
}

} // namespace footfall::app
