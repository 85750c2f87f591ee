#include "app/cluster_options.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>

#include <unistd.h>

namespace footfall::app {

namespace {

bool is_host_and_port(const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0)
    return false;
  uint16_t port = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, failed] = std::from_chars(text.data() + colon + 1, end, port);
  return failed == std::errc{} && stop == end && colon + 1 < text.size();
}

/// Names stand in log lines, addresses of actors and certificates.
bool is_name(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '-' || c == '_' || c == '.';
  });
}

} // namespace

std::string settle_cluster(settings& out) {
  if (out.cluster_listen.empty())
    return {};
  if (!is_host_and_port(out.cluster_listen))
    return "cluster-listen: give host:port, such as 10.0.0.1:9090";
  if (out.cluster_advertise.empty())
    out.cluster_advertise = out.cluster_listen;
  if (!is_host_and_port(out.cluster_advertise))
    return "cluster-advertise: give host:port, such as node-1.example.org:9090";
  std::string missing = out.kafka_broker.empty() ? "--kafka-broker (KAFKA_BROKER)" : "";
  if (out.database_url.empty())
    missing += std::string{missing.empty() ? "" : " and "} + "--database-url (DATABASE_URL)";
  if (!missing.empty())
    return "cluster-listen: nodes share one event log and one store; give " + missing + " too";
  if (out.node_name.empty()) {
    char host[256] = "";
    ::gethostname(host, sizeof host - 1);
    out.node_name = host;
  }
  if (!is_name(out.node_name))
    return "node-name: \"" + out.node_name
           + "\" is none; take letters, digits, dots, dashes and underscores";
  return {};
}

} // namespace footfall::app
