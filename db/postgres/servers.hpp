#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

struct pg_conn;

namespace footfall::postgres {

/// One server that a connection is tried with.
struct server {
  std::map<std::string, std::string> options; ///< As libpq names them.
  bool expand = false; ///< "dbname" is a text that libpq has to make out itself.
  /// How long one attempt may take. libpq keeps no time for those who do not block.
  std::chrono::milliseconds patience{3000};

  /// Begins to connect. Null without memory.
  pg_conn* start() const;
};

/// The servers of a URL, in its order: libpq begins with the first one each time, so one
/// that says nothing would use up the time of all. What libpq does not understand is one
/// server, and its attempt says why.
std::vector<server> servers_of(const std::string& url);

} // namespace footfall::postgres
