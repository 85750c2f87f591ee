#include "app/cluster_options.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>

#include <unistd.h>

#include "actors/ports/leases.hpp"
#include "actors/ports/request_handler.hpp"

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

std::string host_of(const std::string& address) {
  auto out = address.substr(0, address.rfind(':'));
  return out.size() > 2 && out.front() == '[' ? out.substr(1, out.size() - 2) : out;
}

bool is_of_this_machine(const std::string& address) {
  const auto host = host_of(address);
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

bool is_any(const std::string& address) {
  const auto host = host_of(address);
  return host == "0.0.0.0" || host == "::" || host == "*";
}

/// @returns what is wrong with the way nodes are to trust each other.
std::string check_trust(const settings& x) {
  std::string missing;
  for (const auto& [value, flag] : {std::pair{&x.cluster_ca, "--cluster-ca"},
                                    std::pair{&x.cluster_certificate, "--cluster-cert"},
                                    std::pair{&x.cluster_key, "--cluster-key"}})
    if (value->empty())
      missing += std::string{missing.empty() ? "" : ", "} + flag;
  if (!x.cluster_insecure)
    return missing.empty() ? missing
                           : "cluster-listen: nodes speak in TLS; give " + missing
                                 + " too (footfall certs makes the files), or --cluster-insecure "
                                   "where all nodes are on this machine";
  if (!x.cluster_ca.empty() || !x.cluster_certificate.empty() || !x.cluster_key.empty())
    return "cluster-insecure: certificates are given too; take one of both away";
  auto addresses = seeds_of(x);
  addresses.push_back(x.cluster_listen);
  addresses.push_back(x.cluster_advertise);
  for (const auto& address : addresses)
    if (!is_of_this_machine(address))
      return "cluster-insecure: " + address
             + " is not of this machine, and whoever can reach it could do everything; give "
               "--cluster-ca, --cluster-cert and --cluster-key instead (footfall certs makes them)";
  return {};
}

/// Each once, in the order of role_names. @returns what is wrong.
std::string settle_roles(std::string& roles) {
  std::string known;
  std::string out;
  for (const auto* role : role_names) {
    known += (known.empty() ? "" : ", ") + std::string{role};
    if (has_role(roles, role))
      out += (out.empty() ? "" : ",") + std::string{role};
  }
  for (std::string_view rest = roles; !rest.empty();) {
    const auto end = std::min(rest.find(','), rest.size());
    const auto role = rest.substr(0, end);
    if (role.empty() || !has_role(out, role))
      return "roles: there is no role \"" + std::string{role} + "\"; give some of " + known
             + ", separated by commas";
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  roles = std::move(out);
  return {};
}

/// @returns what the node lacks of what its roles need, for a person.
std::string check_needs(const settings& x) {
  const bool writes = has_role(x.roles, "ingest") || has_role(x.roles, "aggregate");
  std::string missing = writes && x.kafka_broker.empty() ? "--kafka-broker (KAFKA_BROKER)" : "";
  if (x.database_url.empty() && x.roles != "gateway")
    missing += std::string{missing.empty() ? "" : " and "} + "--database-url (DATABASE_URL)";
  if (!missing.empty())
    return "cluster-listen: nodes share one event log and one store; give " + missing
           + " too (without the roles ingest and aggregate a node needs no Kafka, with the role "
             "gateway alone neither)";
  if (!x.database_url.empty())
    return {};
  if (x.cluster_seeds.empty())
    return "cluster-seeds: a gateway without --database-url (DATABASE_URL) finds the other nodes "
           "by them; give --cluster-seeds host:port of one or more that have a database";
  return {};
}

std::string check_seeds(const settings& x) {
  const auto is_wrong = [](const std::string& seed) {
    return !is_host_and_port(seed) || is_any(seed) || seed.ends_with(":0")
           || seed.find_first_of(" \t") != std::string::npos;
  };
  for (const auto& seed : seeds_of(x))
    if (is_wrong(seed))
      return "cluster-seeds: \"" + seed
             + "\" is no address of a node; give host:port, such as node-1.example.org:9090, "
               "several with commas";
  return {};
}

} // namespace

std::string host_name() {
  char host[256] = "";
  ::gethostname(host, sizeof host - 1);
  return host;
}

std::vector<std::string> seeds_of(const settings& from) {
  std::vector<std::string> out;
  if (from.cluster_seeds.empty())
    return out;
  for (std::string_view rest = from.cluster_seeds;;) {
    const auto end = std::min(rest.find(','), rest.size());
    out.emplace_back(rest.substr(0, end));
    if (end == rest.size())
      return out;
    rest.remove_prefix(end + 1);
  }
}

bool has_log(const settings& from) {
  return from.cluster_listen.empty() || (has_store(from) && !from.kafka_broker.empty());
}

bool has_store(const settings& from) {
  return from.cluster_listen.empty() || !from.database_url.empty();
}

std::string settle_cluster(settings& out) {
  if (auto wrong = settle_roles(out.roles); !wrong.empty())
    return wrong;
  if (out.cluster_listen.empty())
    return {};
  if (!is_host_and_port(out.cluster_listen))
    return "cluster-listen: give host:port, such as 10.0.0.1:9090";
  if (out.cluster_advertise.empty())
    out.cluster_advertise = out.cluster_listen;
  if (!is_host_and_port(out.cluster_advertise))
    return "cluster-advertise: give host:port, such as node-1.example.org:9090";
  if (is_any(out.cluster_advertise))
    return "cluster-advertise: no other node can dial " + out.cluster_advertise
           + "; give the address at which they reach this one";
  if (auto wrong = check_needs(out); !wrong.empty())
    return wrong;
  if (auto wrong = check_seeds(out); !wrong.empty())
    return wrong;
  if (out.node_name.empty())
    out.node_name = host_name();
  if (!is_name(out.node_name))
    return "node-name: \"" + out.node_name
           + "\" is none; take letters, digits, dots, dashes and underscores";
  return check_trust(out);
}

} // namespace footfall::app
