#include "app/serve.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <thread>

#include <spdlog/spdlog.h>

#include "actors/node.hpp"
#include "app/adapters.hpp"
#include "app/descriptors.hpp"
#include "app/log.hpp"
#include "app/ready_file.hpp"
#include "net/grpc/grpc_server.hpp"
#include "net/http/http_server.hpp"

namespace footfall::app {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct system_config : caf::actor_system_config {
  system_config() {
    add_message_types<caf::id_block::footfall>();
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-throughput", 200);
    // A message to an actor on another thread costs a wake-up; the edges, the log and
    // the store have threads of their own, so half of the cores is enough for actors.
    set("scheduler.max-threads", std::clamp(std::thread::hardware_concurrency() / 2, 1u, 8u));
  }
};

int refuse(const char* what, const caf::error& why) {
  auto text = redact(text_of(why));
  if (code_of(why) == errc::corrupt)
    text += "\nThe file was left as it is. Put a backup in its place, or start with another "
            "folder (--data-dir).";
  std::fprintf(stderr, "footfall: %s: %s\n", what, text.c_str());
  return 1;
}

node_config plan_node(const settings& from, adapters& ways, metrics& counts) {
  node_config out;
  out.log = ways.log.get();
  out.events = ways.events.get();
  out.values = ways.values.get();
  out.counts = &counts;
  out.now = system_now_us;
  out.requests_max = from.max_in_flight;
  out.request_timeout = milliseconds(from.request_timeout_ms);
  out.accept_when_stopped = from.accept_when_stopped;
  if (from.kafka_broker.empty() && from.database_url.empty())
    out.data_dir = std::filesystem::absolute(from.data_dir).lexically_normal();
  out.partition.look_every = seconds(3);
  out.lag_limit = seconds(from.lag_limit_s);
  out.partition.batch_max = from.apply_batch_max;
  out.partition.gather = milliseconds(from.apply_gather_ms);
  out.partition.fold_every = milliseconds(from.fold_every_ms);
  out.partition.live_pages_max = from.live_pages_max;
  out.partition.users_per_page_max = from.users_per_page_max;
  out.partition.passivate_after = seconds(from.passivate_after_s);
  out.report = [](const std::string& line) { spdlog::warn("{}", redact(line)); };
  out.partition.report = [](const std::string& line) { spdlog::error("{}", redact(line)); };
  return out;
}

http_config plan_http(const settings& from, const descriptor_plan& most) {
  http_config out;
  out.bind = from.bind;
  out.admin_bind = from.admin_bind;
  out.ingest_port = from.ingest_port;
  out.query_port = from.query_port;
  out.admin_port = from.admin_port;
  out.connections = most.connections;
  out.admin_connections = most.admin;
  out.answer_timeout = std::max(out.answer_timeout, milliseconds(from.request_timeout_ms + 10'000));
  return out;
}

grpc_config plan_grpc(const settings& from, const descriptor_plan& most) {
  grpc_config out;
  out.bind = from.bind;
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

// The signals that end a node are taken by sigtimedwait alone, so no handler runs.
sigset_t ending_signals() {
  sigset_t out;
  sigemptyset(&out);
  sigaddset(&out, SIGTERM);
  sigaddset(&out, SIGINT);
  return out;
}

// True when a signal to end came within `most`.
bool told_to_end(milliseconds most) {
  const auto signals = ending_signals();
  const timespec time{most.count() / 1000, most.count() % 1000 * 1'000'000};
  return sigtimedwait(&signals, nullptr, &time) > 0;
}

void say_what_is_missing(node& actors) {
  actors.health([](const node_health& x) {
    for (const auto& [part, state] : x.roles)
      if (state != "ok")
        spdlog::warn("not ready yet: {}: {}", part, redact(state));
  });
}

// False: told to end before every partition ran.
bool wait_until_running(node& actors) {
  using clock = std::chrono::steady_clock;
  for (auto word_due = clock::now() + seconds(2); !actors.running();) {
    if (told_to_end(milliseconds(2)))
      return false;
    if (clock::now() < word_due)
      continue;
    say_what_is_missing(actors);
    word_due += seconds(10);
  }
  return true;
}

// Ends the process hard when an orderly end takes too long: what was acknowledged
// is durable, and nothing else matters then.
void end_hard_after(seconds patience) {
  std::thread([patience] {
    std::this_thread::sleep_for(patience);
    std::fputs("footfall: the drain took too long; ending now (nothing acknowledged is lost)\n",
               stderr);
    std::_Exit(1);
  }).detach();
}

} // namespace

int serve(const settings& options) {
  std::signal(SIGPIPE, SIG_IGN);
  const auto signals = ending_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  raise_descriptor_limit();
  metrics counts;
  system_config config;
  caf::actor_system system{config};
  auto ways = open_adapters(options, counts);
  if (!ways)
    return refuse("cannot start", ways.error());
  const auto most = share_descriptors(options.max_connections);
  if (!most)
    return refuse("cannot start", most.error());
  node actors{system, plan_node(options, *ways, counts)};
  auto http = http_server::open(plan_http(options, *most), actors, counts, system_now_us);
  if (!http)
    return refuse("cannot listen for HTTP", http.error());
  auto grpc = grpc_server::open(plan_grpc(options, *most), actors, counts);
  if (!grpc)
    return refuse("cannot listen for gRPC", grpc.error());
  const auto ports = (*http)->ports();
  const ready_addresses where{
      address(options.bind, ports.ingest), address(options.bind, ports.query),
      address(options.bind, (*grpc)->port()), address(options.admin_bind, ports.admin)};
  std::unique_ptr<ready_file> ready;
  if (wait_until_running(actors)) {
    (*grpc)->tell_health(); // Who is told "ready" finds it SERVING.
    if (!options.ready_file.empty()) {
      auto written = ready_file::write(options.ready_file, where);
      if (!written)
        return refuse("cannot say that the node is ready", written.error());
      ready = std::move(*written);
    }
    spdlog::info("ready: ingest {} query {} grpc {} admin {}", where.ingest, where.query,
                 where.grpc, where.admin);
    while (!told_to_end(seconds(3600))) {
    }
  }
  const seconds patience{options.drain_timeout_s};
  spdlog::info("draining: at most {} s", options.drain_timeout_s);
  end_hard_after(patience + seconds(10));
  actors.drain();
  (*grpc)->drain();
  (*http)->drain(patience);
  (*grpc)->stop();
  (*http)->stop();
  actors.stop();
  spdlog::info("ended");
  return 0;
}

} // namespace footfall::app
