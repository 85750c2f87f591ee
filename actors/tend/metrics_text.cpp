#include "actors/tend/metrics_text.hpp"

#include <algorithm>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <sys/resource.h>
#include <unistd.h>

#include "actors/tend/observed.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

namespace footfall {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

/// When this process began: read once, so that a clock that is set makes no start.
const double began_s =
    std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();

class page {
public:
  void single(const char* name, const char* help, MetricType type, double value) {
    auto& family = start(name, help, type);
    family.metric.push_back(metric_of(type, value));
  }

  void count(const char* name, const char* help, const counter& value) {
    single(name, help, MetricType::Counter, static_cast<double>(value.load()));
  }

  void labelled(const char* name, const char* help, const char* label,
                std::initializer_list<std::pair<const char*, const counter*>> values) {
    auto& family = start(name, help, MetricType::Counter);
    for (const auto& [text, value] : values) {
      auto metric = metric_of(MetricType::Counter, static_cast<double>(value->load()));
      metric.label.push_back({label, text});
      family.metric.push_back(std::move(metric));
    }
  }

  void named(const char* name, const char* help, const char* label,
             const std::map<std::string, uint64_t>& values, MetricType type = MetricType::Gauge) {
    auto& family = start(name, help, type);
    for (const auto& [text, value] : values) {
      auto metric = metric_of(type, static_cast<double>(value));
      metric.label.push_back({label, text});
      family.metric.push_back(std::move(metric));
    }
  }

  void info(const char* name, const char* help,
            const std::vector<std::pair<std::string, std::string>>& labels) {
    auto& family = start(name, help, MetricType::Gauge);
    auto metric = metric_of(MetricType::Gauge, 1);
    for (const auto& [label, text] : labels)
      metric.label.push_back({label, text});
    family.metric.push_back(std::move(metric));
  }

  template <class Get>
  void partitions(const char* name, const char* help, const node_status& status, Get get) {
    auto& family = start(name, help, MetricType::Gauge);
    for (size_t i = 0; i < status.parts.size(); ++i) {
      if (status.parts[i].phase.load() == partition_phase::idle)
        continue; // Its node tells.
      auto metric = metric_of(MetricType::Gauge, static_cast<double>(get(status.parts[i])));
      metric.label.push_back({"partition", std::to_string(i)});
      family.metric.push_back(std::move(metric));
    }
  }

  void duration(const char* name, const char* help, const duration_histogram& values) {
    auto& family = start(name, help, MetricType::Histogram);
    ClientMetric metric;
    uint64_t below = 0;
    for (size_t i = 0; i < duration_histogram::buckets; ++i) {
      below += values.in_bucket(i);
      const bool last = i + 1 == duration_histogram::buckets;
      metric.histogram.bucket.push_back(
          {below, last ? std::numeric_limits<double>::infinity()
                       : static_cast<double>(duration_histogram::bound_us(i)) / 1e6});
    }
    metric.histogram.sample_count = below;
    metric.histogram.sample_sum = static_cast<double>(values.sum_us()) / 1e6;
    family.metric.push_back(std::move(metric));
  }

  std::string text() const { return prometheus::TextSerializer{}.Serialize(families_); }

private:
  MetricFamily& start(const char* name, const char* help, MetricType type) {
    families_.push_back({name, help, type, {}});
    return families_.back();
  }

  static ClientMetric metric_of(MetricType type, double value) {
    ClientMetric out;
    if (type == MetricType::Counter)
      out.counter.value = value;
    else
      out.gauge.value = value;
    return out;
  }

  std::vector<MetricFamily> families_;
};

void add_health(page& out, const node_health& x,
                const std::vector<std::pair<std::string, std::string>>& kinds) {
  std::map<std::string, uint64_t> up, ready;
  for (const auto& [name, state] : x.dependencies)
    up[name] = state == "ok";
  for (const auto* role : role_names)
    if (std::any_of(x.roles.begin(), x.roles.end(), [&](const auto& y) { return y.first == role; }))
      ready[role] = x.faults_of(role).empty();
  out.named("footfall_dependency_up", "1 when it works: the log, the store, the cache.", "name",
            up);
  out.named("footfall_ready", "1 when /readyz?role= of that role answers 200.", "role", ready);
  auto labels = kinds;
  labels.emplace_back("version", FOOTFALL_VERSION);
  out.info("footfall_build_info", "What runs, and on what.", labels);
}

void add_events(page& out, const metrics& x) {
  out.labelled("footfall_events_total", "Events by what was answered.", "outcome",
               {{"accepted", &x.events_accepted},
                {"rejected", &x.events_rejected},
                {"unknown", &x.events_unknown}});
  out.count("footfall_requests_overloaded_total", "Requests refused by a limit.",
            x.requests_overloaded);
  out.count("footfall_events_over_lag_limit_total",
            "Events refused because they would be counted too late.", x.events_lagging);
  out.count("footfall_log_appends_total", "Appends that the event log answered.", x.log_appends);
  out.labelled(
      "footfall_records_applied_total", "Log records by what became of them.", "result",
      {{"new", &x.events_applied}, {"duplicate", &x.events_duplicate}, {"bad", &x.events_bad}});
  out.count("footfall_id_conflicts_total", "Duplicates whose content differed.", x.id_conflicts);
  out.count("footfall_applies_total", "Batches applied.", x.applies);
  out.count("footfall_apply_failures_total", "Claims or applies that failed.", x.apply_failures);
  out.count("footfall_partitions_fenced_total", "Times another owner was found.",
            x.partitions_fenced);
  out.count("footfall_partitions_taken_total", "Times a lease gave this node a partition.",
            x.partitions_taken);
  out.count("footfall_partitions_lost_total", "Times a partition was taken away at once.",
            x.partitions_lost);
  out.count("footfall_lease_beats_total", "Renewals of this node's lease that were tried.",
            x.beats);
  out.count("footfall_lease_beats_failed_total", "Those that the store did not answer.",
            x.beats_failed);
  out.count("footfall_partition_gaps_total",
            "Partitions stopped: records are lost, or the log is another one.",
            x.partitions_stopped);
  out.count("footfall_folds_total", "Folds done.", x.folds);
  out.count("footfall_events_folded_total", "Events added to the aggregates.", x.events_folded);
}

void add_pages_and_queries(page& out, const metrics& x) {
  out.single("footfall_pages_live", "Page aggregators.", MetricType::Gauge,
             static_cast<double>(x.pages_live.load()));
  out.count("footfall_pages_loaded_total", "Pages read from the store to become live.",
            x.pages_loaded);
  out.count("footfall_pages_passivated_total", "Pages no longer live.", x.pages_passivated);
  out.labelled("footfall_cache_lookups_total", "Cache lookups.", "result",
               {{"hit", &x.cache_hits}, {"miss", &x.cache_misses}});
  out.count("footfall_cache_fills_total", "Counts remembered.", x.cache_fills);
  out.count("footfall_cache_errors_total", "Failures of the cache.", x.cache_errors);
  out.labelled("footfall_queries_total", "Queries by where the answer came from.", "source",
               {{"cache", &x.queries_from_cache},
                {"actor", &x.queries_from_actor},
                {"store", &x.queries_from_store},
                {"none", &x.queries_failed}});
  out.count("footfall_queries_merged_total", "Queries answered by an identical one's lookup.",
            x.queries_merged);
}

void add_edges(page& out, const metrics& x) {
  out.count("footfall_http_requests_total", "HTTP requests.", x.http_requests);
  out.count("footfall_http_bad_requests_total", "HTTP requests answered 4xx.", x.http_bad_requests);
  out.single("footfall_http_connections", "Open HTTP connections.", MetricType::Gauge,
             static_cast<double>(x.http_connections.load()));
  out.count("footfall_http_connections_refused_total", "Connections over the limit.",
            x.http_connections_refused);
  out.single("footfall_http_streams", "Open live streams.", MetricType::Gauge,
             static_cast<double>(x.http_streams.load()));
  out.count("footfall_http_streams_refused_total", "Live streams over the limit.",
            x.http_streams_refused);
  out.count("footfall_trace_lines_left_out_total", "Lines about requests, over the limit.",
            x.trace_lines_left_out);
  if (const auto until = x.tls_valid_until_s.load()) {
    out.single("footfall_tls_certificate_expires_seconds",
               "When the certificate of the listeners ends.", MetricType::Gauge,
               static_cast<double>(until));
    out.count("footfall_tls_failures_total", "HTTP connections that ended in the handshake.",
              x.tls_failures);
  }
  out.count("footfall_grpc_requests_total", "gRPC calls.", x.grpc_requests);
  out.count("footfall_grpc_connections_refused_total", "Connections over the limit.",
            x.grpc_connections_refused);
  out.count("footfall_actor_restarts_total", "Actors started again.", x.actor_restarts);
}

void add_links(page& out, const peer_links& links, const metrics& x, const node_health& health) {
  std::map<std::string, uint64_t> up;
  for (const auto& member : health.members)
    if (!member.self)
      up[member.name] = member.link == "up";
  out.named("footfall_cluster_link_up", "1 while there is a link to that node.", "node", up);
  const auto& c = links.counters();
  out.count("footfall_cluster_dials_total", "Tries to reach another node.", c.dials);
  out.count("footfall_cluster_dials_failed_total", "Those that reached none.", c.dials_failed);
  out.count("footfall_cluster_arrivals_total", "Connections to the cluster's port.", c.came_in);
  std::map<std::string, uint64_t> refused;
  for (size_t i = 0; i < refusals; ++i)
    refused[to_string(static_cast<refusal>(i))] = c.refused[i].load();
  out.named("footfall_cluster_arrivals_refused_total", "Those that became no link, by reason.",
            "reason", refused, MetricType::Counter);
  out.count("footfall_cluster_accept_failures_total",
            "Times the system gave no connection, mostly for lack of descriptors.",
            c.accept_failures);
  out.count("footfall_cluster_sent_bytes_total", "To other nodes.", c.bytes_out);
  out.count("footfall_cluster_received_bytes_total", "From other nodes.", c.bytes_in);
  if (const auto until = links.valid_until_s(); until != 0)
    out.single("footfall_cluster_certificate_expires_seconds",
               "When this node's certificate expires, since 1970.", MetricType::Gauge,
               static_cast<double>(until));
  out.count("footfall_remote_queries_total", "Questions asked of the node that has the page.",
            x.remote_queries);
  out.count("footfall_remote_queries_again_total",
            "Those that were asked here then, as it was lost or did not know.",
            x.remote_queries_again);
  out.count("footfall_remote_events_total",
            "Events given to another node, as this one does not ingest.", x.remote_events);
  out.count("footfall_remote_events_lost_total",
            "Events given to a node that was lost, and answered unknown.", x.remote_events_lost);
  out.duration("footfall_remote_query_seconds", "Questions that another node answered.",
               x.remote_query_duration);
}

void add_actors(page& out) {
  std::map<std::string, uint64_t> alive, waiting;
  for (const auto& x : actor_directory::get().snapshot()) {
    const auto done = x->processed.load(std::memory_order_relaxed);
    const auto all = x->enqueued.load(std::memory_order_relaxed);
    waiting[x->name] += all > done ? all - done : 0;
    ++alive[x->name];
  }
  out.named("footfall_actors", "Actors, by what they are.", "actor", alive);
  out.named("footfall_mailbox_messages", "Messages that wait, by actor.", "actor", waiting);
}

void add_audits(page& out, const audit_counts& x) {
  out.labelled("footfall_audits_total", "Audits by how they ended.", "result",
               {{"ok", &x.ok}, {"differs", &x.differing}, {"none", &x.failed}});
  out.single("footfall_audit_differences",
             "What the last audit found to differ; of a page only if it is more.",
             MetricType::Gauge, static_cast<double>(x.differences.load()));
}

void add_disk(page& out, const std::string& data_dir) {
  std::error_code failed;
  const auto disk = std::filesystem::space(data_dir, failed);
  if (failed)
    return;
  out.single("footfall_data_disk_free_bytes", "Free for this process where the data folder is.",
             MetricType::Gauge, static_cast<double>(disk.available));
  out.single("footfall_data_disk_size_bytes", "Size of the disk where the data folder is.",
             MetricType::Gauge, static_cast<double>(disk.capacity));
}

void add_descriptors(page& out) {
  std::error_code failed;
  std::filesystem::directory_iterator open("/proc/self/fd", failed);
  out.single("process_open_fds", "Open file descriptors.", MetricType::Gauge,
             static_cast<double>(std::distance(begin(open), end(open))));
  rlimit most{};
  ::getrlimit(RLIMIT_NOFILE, &most);
  out.single("process_max_fds", "Those that may be open.", MetricType::Gauge,
             static_cast<double>(most.rlim_cur));
}

void add_process(page& out) {
  std::ifstream statm("/proc/self/statm");
  long pages = 0, resident = 0;
  statm >> pages >> resident;
  out.single("process_resident_memory_bytes", "Resident memory.", MetricType::Gauge,
             static_cast<double>(resident * ::sysconf(_SC_PAGESIZE)));
  timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  out.single("process_cpu_seconds_total", "CPU time.", MetricType::Counter,
             static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9);
  out.single("process_start_time_seconds", "When the process began, since 1970.", MetricType::Gauge,
             began_s);
  add_descriptors(out);
}

} // namespace

std::string metrics_text(const metrics& counts, const node_status& status, size_t in_flight,
                         int64_t now_us, const node_health& health, const peer_links* links,
                         const std::vector<std::pair<std::string, std::string>>& kinds,
                         const audit_counts& audits, const std::string& data_dir) {
  page out;
  add_health(out, health, kinds);
  add_events(out, counts);
  out.partitions("footfall_partition_lag_records", "Records in the log, not yet applied.", status,
                 [](const auto& x) { return x.log_end.load() - x.next_offset.load(); });
  out.partitions("footfall_partition_lag_seconds", "Age of the oldest record not yet applied.",
                 status,
                 [now_us](const auto& x) { return static_cast<double>(x.lag_us(now_us)) / 1e6; });
  out.partitions("footfall_partition_unfolded_records", "Records applied, not yet folded.", status,
                 [](const auto& x) { return x.next_offset.load() - x.folded_offset.load(); });
  out.partitions("footfall_partition_running", "1 when the partition is applied here.", status,
                 [](const auto& x) { return x.phase.load() == partition_phase::running; });
  out.partitions("footfall_partition_stopped", "1 when nothing more of it is applied.", status,
                 [](const auto& x) { return x.phase.load() == partition_phase::stopped; });
  out.single("footfall_partitions", "Partitions of the event log.", MetricType::Gauge,
             static_cast<double>(status.parts.size()));
  add_pages_and_queries(out, counts);
  add_edges(out, counts);
  if (links) {
    add_links(out, *links, counts, health);
    out.single("footfall_memory_doubted",
               "1 while the store is asked alone, as partitions have clicks of others' pages.",
               MetricType::Gauge, status.doubts_memory ? 1 : 0);
  }
  out.single("footfall_requests_in_flight", "Requests and watches under way.", MetricType::Gauge,
             static_cast<double>(in_flight));
  out.duration("footfall_append_seconds", "Ingestion to durable.", counts.append_duration);
  out.duration("footfall_freshness_seconds", "Arrival to the commit with which an event counts.",
               counts.freshness);
  out.duration("footfall_apply_seconds", "One apply.", counts.apply_duration);
  out.duration("footfall_fold_seconds", "One fold.", counts.fold_duration);
  out.duration("footfall_query_seconds", "Queries.", counts.query_duration);
  add_actors(out);
  add_audits(out, audits);
  if (!data_dir.empty())
    add_disk(out, data_dir);
  add_process(out);
  return out.text();
}

} // namespace footfall
