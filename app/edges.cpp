#include "app/edges.hpp"

#include <algorithm>

#include <absl/strings/str_split.h>
#include <spdlog/spdlog.h>

#include "actors/ports/clock.hpp"
#include "actors/ports/leases.hpp"
#include "app/access.hpp"
#include "app/descriptors.hpp"
#include "app/log.hpp"

namespace footfall::app {

namespace {

using std::chrono::milliseconds;

constexpr uint32_t live_topics_least = 6; ///< Of one stream.

bool is_gateway(const settings& x) {
  return has_role(x.roles, "gateway");
}

http_config plan_http(const settings& from, const descriptor_plan& most,
                      const model::access_gate& gate, access_desk& desk,
                      tls::server_certificate* certificate) {
  http_config out;
  out.bind = from.bind;
  out.admin_bind = from.admin_bind;
  out.gate = asks_for_keys(from, from.bind) ? &gate : nullptr;
  out.desk = &desk;
  out.admin_gate = asks_for_keys(from, from.admin_bind) ? &gate : nullptr;
  out.certificate = certificate;
  out.ingest_port = from.ingest_port;
  out.query_port = from.query_port;
  out.admin_port = from.admin_port;
  out.hosts = absl::StrSplit(from.hosts, absl::ByAnyChar(", "), absl::SkipEmpty());
  out.has_ui = from.has_ui;
  out.live_streams = from.live_streams;
  // A page that is shown is under way for as long: most of that is for who asks once.
  out.live_topics = std::clamp(from.max_in_flight / 4, live_topics_least, out.live_topics);
  out.takes_requests = is_gateway(from);
  out.connections = most.connections;
  out.admin_connections = most.admin;
  out.answer_timeout = std::max(out.answer_timeout, milliseconds(from.request_timeout_ms + 10'000));
  return out;
}

grpc_config plan_grpc(const settings& from, const descriptor_plan& most,
                      const model::access_gate& gate, tls::server_certificate* certificate) {
  grpc_config out;
  out.certificate = certificate;
  out.bind = from.bind;
  out.gate = asks_for_keys(from, from.bind) ? &gate : nullptr;
  out.report = [](const std::string& line) { spdlog::warn("gRPC: {}", redact(line)); };
  out.port = from.grpc_port;
  out.reflection = from.grpc_reflection;
  out.calls_max = from.max_in_flight;
  out.connections_max = most.connections;
  return out;
}

std::string address(const std::string& host, uint16_t port) {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? '[' + host + ']' : host) + ':' + std::to_string(port);
}

} // namespace

caf::error edges::read_certificate(const settings& options) {
  if (options.tls_certificate.empty())
    return caf::none;
  auto read = tls::server_certificate::open(
      options.tls_certificate, options.tls_key,
      [](const std::string& line) { spdlog::warn("TLS of the listeners: {}", redact(line)); });
  if (!read)
    return make_error(code_of(read.error()), "TLS of the listeners: " + text_of(read.error()));
  certificate_ = std::move(*read);
  return caf::none;
}

caf::error edges::open(const settings& options, front_door& door, metrics& counts,
                       trace_log& traces, const model::access_gate& gate, access_desk& desk) {
  const auto most = share_descriptors(options.max_connections);
  if (!most)
    return most.error();
  if (auto bad = read_certificate(options))
    return bad;
  auto http = plan_http(options, *most, gate, desk, certificate_.get());
  http.traces = &traces;
  auto web = http_server::open(http, door, counts, system_now_us);
  if (!web)
    return make_error(code_of(web.error()), "cannot listen for HTTP: " + text_of(web.error()));
  http_ = std::move(*web);
  if (!is_gateway(options))
    return caf::none;
  auto calls = plan_grpc(options, *most, gate, certificate_.get());
  calls.traces = &traces;
  auto rpc = grpc_server::open(std::move(calls), door, counts);
  if (!rpc)
    return make_error(code_of(rpc.error()), "cannot listen for gRPC: " + text_of(rpc.error()));
  grpc_ = std::move(*rpc);
  return caf::none;
}

ready_addresses edges::addresses(const settings& options) const {
  const auto ports = http_->ports();
  auto out = ready_addresses{"", "", "", address(options.admin_bind, ports.admin)};
  if (grpc_) {
    out.ingest = address(options.bind, ports.ingest);
    out.query = address(options.bind, ports.query);
    out.grpc = address(options.bind, grpc_->port());
  }
  return out;
}

void edges::tell_health() {
  if (grpc_)
    grpc_->tell_health();
}

void edges::say_goodbye() {
  http_->say_goodbye();
}

void edges::drain(std::chrono::seconds most) {
  if (grpc_)
    grpc_->drain();
  http_->drain(most);
}

void edges::stop() {
  if (grpc_)
    grpc_->stop();
  http_->stop();
}

} // namespace footfall::app
