#include "app/options.hpp"

namespace footfall::app {
namespace {

using kind = option_kind;

constexpr option_spec text(const char* name, const char* environment, const char* sentence,
                           const char* initial, int64_t least, int64_t most,
                           std::string settings::*target) {
  return {name, environment, sentence, initial, kind::text, least, most, "", false, target};
}

template <class Number>
constexpr option_spec number(const char* name, const char* environment, const char* sentence,
                             const char* initial, int64_t least, int64_t most,
                             Number settings::*target) {
  return {name, environment, sentence, initial, kind::number, least, most, "", false, target};
}

constexpr option_spec choice(const char* name, const char* environment, const char* sentence,
                             const char* initial, const char* choices,
                             std::string settings::*target) {
  return {name, environment, sentence, initial, kind::choice, 0, 0, choices, false, target};
}

constexpr option_spec secret(const char* name, const char* environment, const char* sentence,
                             std::string settings::*target) {
  return {name, environment, sentence, "", kind::text, 0, 4095, "", true, target};
}

constexpr int64_t path_bytes = 4095;
constexpr int64_t port_most = 65535;

// clang-format off
constexpr option_spec options[] = {
  text("data-dir", "FOOTFALL_DATA_DIR",
    "Folder of the embedded log and store; locked while in use",
    "data", 1, path_bytes, &settings::data_dir),
  text("bind", "FOOTFALL_BIND",
    "Address that ingest, query and gRPC listen on",
    "127.0.0.1", 1, 255, &settings::bind),
  number("ingest-port", "FOOTFALL_INGEST_PORT",
    "Port for clicks over HTTP; 0 takes a free one",
    "8080", 0, port_most, &settings::ingest_port),
  number("query-port", "FOOTFALL_QUERY_PORT",
    "Port for queries over HTTP; 0 takes a free one",
    "8081", 0, port_most, &settings::query_port),
  number("grpc-port", "FOOTFALL_GRPC_PORT",
    "Port for gRPC; 0 takes a free one",
    "50051", 0, port_most, &settings::grpc_port),
  number("admin-port", "FOOTFALL_ADMIN_PORT",
    "Port for health, metrics and actor inspection; 0 takes a free one",
    "8082", 0, port_most, &settings::admin_port),
  text("admin-bind", "FOOTFALL_ADMIN_BIND",
    "Address that the admin port listens on; it asks nobody for a password",
    "127.0.0.1", 1, 255, &settings::admin_bind),
  text("ready-file", "FOOTFALL_READY_FILE",
    "File to write (JSON: pid, version, addresses) once the node is ready",
    "", 0, path_bytes, &settings::ready_file),
  number("partitions", "FOOTFALL_PARTITIONS",
    "Partitions of a log that is created now; an existing log keeps its own",
    "4", 1, 1024, &settings::partitions),
  text("kafka-broker", "KAFKA_BROKER",
    "Kafka brokers, host:port with commas; empty keeps the log embedded",
    "", 0, path_bytes, &settings::kafka_broker),
  {"kafka-topic", "KAFKA_TOPIC",
    "Kafka topic of the event log",
    "clicks", kind::topic, 1, 249, "", false, &settings::kafka_topic},
  number("kafka-replication", "KAFKA_REPLICATION_FACTOR",
    "Copies of each event in a Kafka topic that is created now; 0: as the brokers do by default",
    "0", 0, 32767, &settings::kafka_replication),
  choice("kafka-security-protocol", "KAFKA_SECURITY_PROTOCOL",
    "How Kafka is spoken to",
    "plaintext", "plaintext|ssl|sasl_plaintext|sasl_ssl", &settings::kafka_security_protocol),
  choice("kafka-sasl-mechanism", "KAFKA_SASL_MECHANISM",
    "How the user is told to Kafka, with the sasl protocols",
    "PLAIN", "PLAIN|SCRAM-SHA-256|SCRAM-SHA-512", &settings::kafka_sasl_mechanism),
  text("kafka-sasl-username", "KAFKA_SASL_USERNAME",
    "Kafka's user",
    "", 0, 255, &settings::kafka_sasl_username),
  secret("kafka-sasl-password", "KAFKA_SASL_PASSWORD",
    "That user's password", &settings::kafka_sasl_password),
  text("kafka-ssl-ca-location", "KAFKA_SSL_CA_LOCATION",
    "PEM file of the authorities that Kafka's certificate must come from; empty: the system's",
    "", 0, path_bytes, &settings::kafka_ssl_ca_location),
  text("kafka-ssl-certificate-location", "KAFKA_SSL_CERTIFICATE_LOCATION",
    "PEM file of our certificate for Kafka",
    "", 0, path_bytes, &settings::kafka_ssl_certificate_location),
  text("kafka-ssl-key-location", "KAFKA_SSL_KEY_LOCATION",
    "PEM file of that certificate's key",
    "", 0, path_bytes, &settings::kafka_ssl_key_location),
  secret("kafka-ssl-key-password", "KAFKA_SSL_KEY_PASSWORD",
    "Password of that key", &settings::kafka_ssl_key_password),
  {"database-url", "DATABASE_URL",
    "PostgreSQL, as libpq takes it; empty keeps the store embedded",
    "", kind::database, 0, path_bytes, "", true, &settings::database_url},
  {"redis-addr", "REDIS_ADDR",
    "Redis, host:port or redis://user:password@host:port; empty keeps the cache in the process",
    "", kind::address, 0, path_bytes, "", false, &settings::redis_addr},
  text("redis-host", "REDIS_HOST",
    "Redis host, where --redis-addr is not given; localhost if only the port is",
    "", 0, 255, &settings::redis_host),
  number("redis-port", "REDIS_PORT",
    "Redis port beside --redis-host; 0 stands for 6379",
    "0", 0, port_most, &settings::redis_port),
  text("redis-username", "REDIS_USERNAME",
    "Redis user; empty is Redis' default user",
    "", 0, 255, &settings::redis_username),
  secret("redis-password", "REDIS_PASSWORD",
    "Redis password; empty sends none", &settings::redis_password),
  text("cluster-listen", "FOOTFALL_CLUSTER_LISTEN",
    "Makes the node one of a cluster: host:port for other nodes; empty keeps it alone",
    "", 0, 255, &settings::cluster_listen),
  text("cluster-advertise", "FOOTFALL_CLUSTER_ADVERTISE",
    "Where other nodes reach it, if not at --cluster-listen",
    "", 0, 255, &settings::cluster_advertise),
  text("node-name", "FOOTFALL_NODE_NAME",
    "Its name, one of a kind in the cluster; empty takes the host's name",
    "", 0, 63, &settings::node_name),
  number("lease-seconds", "FOOTFALL_LEASE_SECONDS",
    "Seconds of silence after which other nodes take its partitions",
    "3", 2, 60, &settings::lease_s),
  choice("log-level", "FOOTFALL_LOG_LEVEL",
    "Least severe log line to write",
    "info", "trace|debug|info|warn|error|off", &settings::log_level),
  choice("log-format", "FOOTFALL_LOG_FORMAT",
    "Log lines for people or for programs, on standard error",
    "text", "text|json", &settings::log_format),
  number("max-in-flight", "FOOTFALL_MAX_IN_FLIGHT",
    "Requests that wait for an answer at once; more are refused as overloaded",
    "4096", 1, 1'000'000, &settings::max_in_flight),
  number("max-connections", "FOOTFALL_MAX_CONNECTIONS",
    "Connections open at once on each of ingest, query and gRPC; fewer if files are limited",
    "2048", 1, 100'000, &settings::max_connections),
  number("request-timeout-ms", "FOOTFALL_REQUEST_TIMEOUT_MS",
    "Milliseconds until an unanswered request is given up",
    "5000", 100, 600'000, &settings::request_timeout_ms),
  number("lag-limit", "FOOTFALL_LAG_LIMIT",
    "Seconds that a new event may wait to be counted; beyond it is refused (0: off, as with Kafka)",
    "30", 0, 86'400, &settings::lag_limit_s),
  number("live-pages-max", "FOOTFALL_LIVE_PAGES_MAX",
    "Pages whose counts are kept live; the idlest makes room",
    "10000", 1, 10'000'000, &settings::live_pages_max),
  number("users-per-page-max", "FOOTFALL_USERS_PER_PAGE_MAX",
    "Users that a live page keeps; with more it asks the store",
    "100000", 1, 100'000'000, &settings::users_per_page_max),
  number("passivate-after-s", "FOOTFALL_PASSIVATE_AFTER_S",
    "Seconds without a click or a query until a page is no longer live",
    "300", 1, 86'400, &settings::passivate_after_s),
  number("apply-batch-max", "FOOTFALL_APPLY_BATCH_MAX",
    "Events that are stored in one step at most",
    "5000", 1, 100'000, &settings::apply_batch_max),
  number("apply-gather-ms", "FOOTFALL_APPLY_GATHER_MS",
    "Milliseconds to gather events before they are stored",
    "5", 0, 1000, &settings::apply_gather_ms),
  number("fold-every-ms", "FOOTFALL_FOLD_EVERY_MS",
    "Milliseconds between two additions of stored events to the aggregates",
    "250", 10, 60'000, &settings::fold_every_ms),
  number("log-retain-mb", "FOOTFALL_LOG_RETAIN_MB",
    "Mebibytes of applied records that the embedded log keeps",
    "64", 1, 1'048'576, &settings::log_retain_mb),
  number("cache-mb", "FOOTFALL_CACHE_MB",
    "Mebibytes of the cache in the process",
    "64", 1, 65'536, &settings::cache_mb),
  number("drain-timeout-s", "FOOTFALL_DRAIN_TIMEOUT_S",
    "Seconds that open requests get to finish after SIGTERM",
    "10", 0, 600, &settings::drain_timeout_s),
  {"accept-when-stopped", "FOOTFALL_ACCEPT_WHEN_STOPPED",
    "Whether events of a stopped partition are accepted: durable, and counted once it goes on",
    "off", kind::toggle, 0, 0, "", false, &settings::accept_when_stopped},
  number("drain-delay-s", "FOOTFALL_DRAIN_DELAY_S",
    "Seconds after SIGTERM in which /readyz is 503 and all is still served, for balancers",
    "0", 0, 600, &settings::drain_delay_s),
  {"grpc-reflection", "FOOTFALL_GRPC_REFLECTION",
    "Whether gRPC clients may ask for the services and their messages",
    "on", kind::toggle, 0, 0, "", false, &settings::grpc_reflection},
  number("actor-threads", "FOOTFALL_ACTOR_THREADS",
    "Threads that run the actors; 0 stands for half of the cores, 8 at most",
    "0", 0, 64, &settings::actor_threads),
};
// clang-format on

} // namespace

std::span<const option_spec> option_table() {
  return options;
}

} // namespace footfall::app
