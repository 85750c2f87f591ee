#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace footfall::app {

/// What came back, or why nothing did.
struct client_answer {
  unsigned status = 0; ///< 0: no answer; `error` says why.
  std::string body;
  std::string error;
  std::chrono::seconds retry_after{0};
  std::chrono::seconds lag{0}; ///< Footfall-Lag: events wait for so long to be counted.
  bool reached = false;        ///< Somebody who may be a node took the request.
};

/// One server-sent event.
struct server_event {
  std::string name;
  std::string id;
  std::string data;
};

/// A connection to one listener of a node: HTTP/1.1, in TLS or not, kept alive, made when it is
/// needed. One thread at a time.
class client_http {
public:
  /// `url` is http://HOST[:PORT] without a path, or https://: then the host must show a
  /// certificate for that name which the system trusts, or the file in SSL_CERT_FILE. The key in
  /// the variable FOOTFALL_KEY, if there is one, goes with each request.
  /// @returns null and fills `error` when it is not that.
  static std::unique_ptr<client_http> make(const std::string& url, std::chrono::seconds timeout,
                                           std::string& error);
  ~client_http();

  /// Sends one request and waits for its answer. A kept connection that the server
  /// had closed meanwhile is made again and the request sent once more, so it must
  /// be one that may be repeated.
  client_answer get(const std::string& target);
  client_answer post(const std::string& target, const std::string& content_type,
                     const std::string& body);

  /// Reads a stream of server-sent events on a connection of its own, until it ends, is
  /// silent for the timeout, or `take` says false. @param last the id of the last event that
  /// the caller has. @returns status 200 when there was a stream.
  client_answer follow(const std::string& target, const std::string& last,
                       const std::function<bool(const server_event&)>& take);

private:
  struct impl;
  explicit client_http(std::unique_ptr<impl> x);
  std::unique_ptr<impl> impl_;
};

/// `text` as the value of a query parameter.
std::string url_encode(const std::string& text);

/// What an answer without the wanted content says: the problem's detail, or the
/// status.
std::string problem_text(const client_answer& answer);

/// Exit code for an answer that is not a success: 3 unreachable, 2 the request was
/// wrong, 1 otherwise. Explains itself on standard error.
int explain_failure(const client_answer& answer);

} // namespace footfall::app
