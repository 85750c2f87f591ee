#include "app/serve.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <thread>

#include <spdlog/spdlog.h>

#include "actors/message_types.hpp"
#include "actors/node.hpp"
#include "app/access.hpp"
#include "app/access_parts.hpp"
#include "app/adapters.hpp"
#include "app/cluster_options.hpp"
#include "app/descriptors.hpp"
#include "app/edges.hpp"
#include "app/front_door.hpp"
#include "app/log.hpp"
#include "app/opening.hpp"
#include "app/service_manager.hpp"
#include "app/signals.hpp"
#include "net/cluster/peer_links.hpp"

namespace footfall::app {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct system_config : caf::actor_system_config {
  system_config(uint32_t threads, bool is_linked) {
    if (is_linked)
      cluster::tunnel_links::prepare(*this);
    add_messages(*this);
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-throughput", 200);
    // A message to an actor on another thread costs a wake-up; the edges, the log and
    // the store have threads of their own, so half of the cores is enough for actors.
    const auto usual = std::clamp(std::thread::hardware_concurrency() / 2, 1u, 8u);
    set("scheduler.max-threads", threads > 0 ? threads : usual);
  }
};

/// Exit codes; README.md has them.
constexpr int cannot_run = 1;
constexpr int another_runs = 3;

int refuse(const char* what, const caf::error& why) {
  auto text = redact(text_of(why));
  if (code_of(why) == errc::corrupt)
    text += "\nThe file was left as it is. Put a backup in its place, or start with another "
            "folder (--data-dir).";
  if (code_of(why) == errc::in_use)
    text += "\nTwo of them would take each partition from the other without end. Stop that one, or "
            "give another KAFKA_TOPIC or DATABASE_URL; nodes that are to share them all need "
            "--cluster-listen.";
  std::fprintf(stderr, "footfall: %s: %s\n", what, text.c_str());
  return code_of(why) == errc::in_use ? another_runs : cannot_run;
}

void plan_lease(node_config& out, const settings& from) {
  out.node_name = from.node_name;
  out.roles = from.roles;
  out.version = FOOTFALL_VERSION;
  out.has_log = has_log(from);
  out.has_store = has_store(from);
  if (!out.has_store)
    out.seeds = seeds_of(from);
  out.ownership = model::ownership_rules::for_lease(int64_t{from.lease_s} * 1'000'000);
}

/// With the port that was taken, if it was to be a free one.
std::string dialled_at(const settings& from, uint16_t port) {
  const auto colon = from.cluster_advertise.rfind(':');
  const bool is_free = from.cluster_advertise.substr(colon + 1) == "0";
  return is_free ? from.cluster_advertise.substr(0, colon + 1) + std::to_string(port)
                 : from.cluster_advertise;
}

node_config plan_node(const settings& from, adapters& ways, metrics& counts,
                      cluster::tunnel_links* links, access_parts& access, trace_log& traces) {
  node_config out;
  out.traces = &traces;
  out.access = access.links();
  out.log = ways.log.get();
  out.events = ways.events.get();
  out.values = ways.values.get();
  out.counts = &counts;
  out.now = system_now_us;
  out.requests_max = from.max_in_flight;
  out.request_timeout = milliseconds(from.request_timeout_ms);
  out.accept_when_stopped = from.accept_when_stopped;
  if (has_store(from) && from.kafka_broker.empty() && from.database_url.empty())
    out.data_dir = std::filesystem::absolute(from.data_dir).lexically_normal();
  out.partition.look_every = seconds(3);
  out.lag_limit = seconds(from.lag_limit_s);
  out.partition.batch_max = from.apply_batch_max;
  out.partition.gather = milliseconds(from.apply_gather_ms);
  out.partition.fold_every = milliseconds(from.fold_every_ms);
  if (from.database_url.empty()) // One thread writes, and applies wait for folds.
    out.partition.fold_step = 1'000;
  out.partition.live_pages_max = from.live_pages_max;
  out.partition.users_per_page_max = from.users_per_page_max;
  out.partition.passivate_after = seconds(from.passivate_after_s);
  if (!from.cluster_listen.empty())
    plan_lease(out, from);
  if (links) {
    out.links = links;
    out.address = dialled_at(from, links->port());
  }
  auto parts = describe_adapters(from);
  out.log_part = std::move(parts.log);
  out.store_part = std::move(parts.store);
  out.cache_part = std::move(parts.cache);
  out.partitions_hint = std::move(parts.partitions_hint);
  out.report = [](const char* actor, const std::string& line) {
    log_of(severity::warn, actor, line);
  };
  out.partition.report = [](const std::string& line) {
    log_of(severity::error, "partition", line);
  };
  return out;
}

void write_trace(const trace_line& x) {
  log_of(x.failed ? severity::warn : severity::info, x.who, x.text, x.of);
}

/// Traces are told at info, failures at warn.
trace_log::level told_at(const std::string& log_level) {
  if (log_level == "off" || log_level == "error")
    return trace_log::level::nothing;
  return log_level == "warn" ? trace_log::level::failures : trace_log::level::all;
}

void say(const std::vector<std::string>& lines, const char* before = "") {
  for (const auto& line : lines)
    spdlog::warn("{}{}", before, redact(line));
}

/// Another node has taken the place of this one: what it is asked is right all the same, but
/// each of the two would undo the other's claims.
std::string displaced(const node& actors, const adapters& ways) {
  if (auto why = actors.replaced(); !why.empty())
    return why;
  const auto lost = ways.database ? ways.database->lost() : std::string{};
  return lost.empty() ? lost : "the connection that held its place was lost, and meanwhile " + lost;
}

// False: told to end before every partition ran.
bool wait_until_running(node& actors, const access_parts& access, const adapters& ways,
                        service_manager& manager) {
  using clock = std::chrono::steady_clock;
  for (auto look_due = clock::now() + seconds(1); !actors.running() || !access.is_known();) {
    if (told_to_end(milliseconds(2)) || !displaced(actors, ways).empty())
      return false;
    if (clock::now() < look_due)
      continue;
    say(actors.look(), "not ready yet: ");
    manager.waits(!actors.running() ? "partitions start" : "another node tells the keys");
    look_due += seconds(1);
  }
  return true;
}

void serve_until_told(node& actors, access_parts& access, const adapters& ways,
                      service_manager& manager) {
  do {
    manager.is_ready();
    say(actors.look());
    access.look();
  } while (displaced(actors, ways).empty() && !told_to_end(seconds(1)));
}

// Not ready any more, and all is served as before: whoever sends requests here looks away.
void stay_for_a_while(node& actors, seconds delay) {
  actors.drain();
  if (delay.count() > 0)
    spdlog::info("not ready any more; still serving for {} s (--drain-delay-s; another signal "
                 "ends it)",
                 delay.count());
  for (auto left = delay; left.count() > 0 && !told_to_end(seconds(1)); --left)
    say(actors.look());
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

// Nothing: told to end before all was opened.
std::optional<opening::outcome> await_adapters(opening& all, const settings& from, front_door& door,
                                               service_manager& manager) {
  using clock = std::chrono::steady_clock;
  const auto parts = describe_adapters(from);
  model::trouble_report log{"the event log"}, store{"the store"};
  auto tell = [](model::trouble_report& x, const std::string& why, const std::string& hint) {
    if (auto line = x.heed(why, steady_now()); !line.empty())
      say({line + (why.empty() ? "" : "; " + hint)}, "not ready yet: ");
  };
  for (auto look_due = clock::now();;) {
    if (told_to_end(milliseconds(10)))
      return std::nullopt;
    if (auto result = all.result())
      return result;
    if (clock::now() < look_due)
      continue;
    look_due = clock::now() + milliseconds(500);
    const auto missing = all.waits_for();
    const auto& why = missing.log.empty() ? missing.store : missing.log;
    door.waits_for(why);
    manager.waits(redact(why));
    tell(log, missing.log, parts.log.hint);
    tell(store, missing.store, parts.store.hint);
  }
}

caf::error open_links(const settings& options, caf::actor_system& system,
                      std::unique_ptr<cluster::tunnel_links>& out) {
  if (options.cluster_listen.empty())
    return caf::none;
  cluster::links_config to;
  const auto colon = options.cluster_listen.rfind(':');
  to.host = options.cluster_listen.substr(0, colon);
  if (to.host.front() == '[') // [::1]:9090
    to.host = to.host.substr(1, to.host.size() - 2);
  to.port = static_cast<uint16_t>(std::stoi(options.cluster_listen.substr(colon + 1)));
  if (!options.cluster_insecure)
    to.files = cluster::certificate_files{options.cluster_ca, options.cluster_certificate,
                                          options.cluster_key, options.node_name};
  to.report = [](const std::string& line) { spdlog::warn("{}", redact(line)); };
  auto made = cluster::tunnel_links::open(system, std::move(to));
  if (!made)
    return make_error(code_of(made.error()),
                      "cannot link to other nodes: " + text_of(made.error()));
  out = std::move(*made);
  return caf::none;
}

void say_ready(const settings& options, const ready_addresses& where) {
  const auto parts = describe_adapters(options);
  const auto shown = [](const std::string& x) { return x.empty() ? "-" : x.c_str(); };
  spdlog::info("ready: ingest {} query {} grpc {} admin {}; log {} {}, store {} {}, cache {} {}",
               shown(where.ingest), shown(where.query), shown(where.grpc), where.admin,
               parts.log.kind, parts.log.where, parts.store.kind, parts.store.where,
               parts.cache.kind, parts.cache.where);
}

// 0, or why not, once the node was told to end.
int run_until_told(node& actors, access_parts& access, edges& listeners, const settings& options,
                   const adapters& ways, service_manager& manager) {
  if (!wait_until_running(actors, access, ways, manager))
    return 0;
  const auto where = listeners.addresses(options);
  std::unique_ptr<ready_file> ready;
  listeners.tell_health(); // Who is told "ready" finds it SERVING.
  if (!options.ready_file.empty()) {
    auto written = ready_file::write(options.ready_file, where);
    if (!written)
      return refuse("cannot say that the node is ready", written.error());
    ready = std::move(*written);
  }
  say_ready(options, where);
  serve_until_told(actors, access, ways, manager);
  manager.ends();
  listeners.say_goodbye();
  if (displaced(actors, ways).empty())
    stay_for_a_while(actors, seconds(options.drain_delay_s));
  return 0;
}

// Other nodes take over what is given to them at once; what is not, when the lease is over.
void give_away(const node& actors) {
  const auto until = std::chrono::steady_clock::now() + seconds(3);
  while (!actors.has_left() && actors.replaced().empty()
         && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(milliseconds(2));
}

void drain(node& actors, edges& listeners, const settings& options) {
  const seconds patience{options.drain_timeout_s};
  spdlog::info("draining: at most {} s", options.drain_timeout_s);
  end_hard_after(patience + seconds(10));
  actors.drain();
  actors.leave();
  listeners.drain(patience);
  listeners.stop();
  give_away(actors);
  actors.stop();
  spdlog::info("ended");
}

void warn_of_open_doors(const settings& options) {
  if (has_store(options) && !options.cluster_seeds.empty())
    spdlog::info("--cluster-seeds are not needed here: the database names the other nodes");
  if (options.auth != "off")
    return;
  settings as_usual = options;
  as_usual.auth = "auto";
  if (asks_for_keys(as_usual))
    spdlog::warn("--auth off: whoever reaches {} or {} may do all that the listener there does; "
                 "footfall key add makes keys, --auth auto asks for them",
                 options.bind, options.admin_bind);
}

// A try to reach a server may take seconds, and nothing that it could lose exists yet.
[[noreturn]] void end_in_the_middle_of_a_try() {
  spdlog::info("ended before the node was ready");
  stop_log();
  std::fflush(nullptr);
  std::_Exit(0);
}

int end_with(edges& listeners, int code) {
  listeners.stop();
  return code;
}

} // namespace

int migrate(const settings& options) {
  auto done = bring_up_to_date(options);
  if (!done)
    return refuse("cannot migrate", done.error());
  std::printf("%s\n", redact(*done).c_str());
  return 0;
}

int serve(const settings& options) {
  take_ending_signals(!options.tls_certificate.empty());
  raise_descriptor_limit();
  metrics counts;
  system_config config{options.actor_threads, !options.cluster_listen.empty()};
  caf::actor_system system{config};
  trace_log traces{write_trace, counts.trace_lines_left_out, told_at(options.log_level)};
  access_parts access{options};
  adapters ways;
  std::unique_ptr<cluster::tunnel_links> links;
  std::unique_ptr<node> actors;
  front_door door{counts};
  service_manager manager;
  edges listeners; // Gone before what they lead to.
  warn_of_open_doors(options);
  if (auto err = listeners.open(options, door, counts, traces, access.gate(), access.desk()))
    return refuse("cannot start", err);
  if (auto err = open_links(options, system, links))
    return end_with(listeners, refuse("cannot start", err));
  {
    opening all{options, counts};
    auto opened = await_adapters(all, options, door, manager);
    if (!opened) {
      listeners.stop();
      if (!all.give_up(milliseconds(200)))
        end_in_the_middle_of_a_try();
      spdlog::info("ended before the node was ready");
      return 0;
    }
    if (opened->failure)
      return end_with(listeners, refuse("cannot start", opened->failure));
    ways = std::move(opened->opened);
  }
  if (auto err = access.begin())
    return end_with(listeners, refuse("cannot start", err));
  if (const auto why = access.why_nobody(); !why.empty()) {
    listeners.stop();
    std::fprintf(stderr, "footfall: cannot start: %s\n", why.c_str());
    return cannot_run;
  }
  actors =
      std::make_unique<node>(system, plan_node(options, ways, counts, links.get(), access, traces));
  access.remote().open([&actors](access_call x) { return actors->ask_desk(std::move(x)); });
  door.open(*actors);
  const int code = run_until_told(*actors, access, listeners, options, ways, manager);
  if (code != 0)
    return end_with(listeners, code);
  const auto why = displaced(*actors, ways);
  if (!why.empty())
    spdlog::error("this node ends: {}", redact(why));
  drain(*actors, listeners, options);
  return why.empty() ? 0 : another_runs;
}

} // namespace footfall::app
