#include "app/adapters.hpp"

#include "actors/ports/absent_store.hpp"
#include "actors/ports/clock.hpp"
#include "actors/ports/told_log.hpp"
#include "actors/tend/node_status.hpp"
#include "app/addresses.hpp"
#include "app/cluster_options.hpp"
#include "app/kafka_options.hpp"
#include "app/log.hpp"
#include "db/memory/memory_cache.hpp"
#include "db/postgres/postgres_store.hpp"
#include "db/redis/redis_cache.hpp"
#include "db/sqlite/sqlite_log.hpp"
#include "db/sqlite/sqlite_store.hpp"
#include "net/kafka/kafka_log.hpp"

#include <spdlog/spdlog.h>

namespace footfall::app {

namespace {

constexpr size_t mebibyte = size_t{1} << 20;
constexpr std::chrono::seconds kafka_try{5};

// Only what was given: librdkafka has a default for the rest.
std::vector<std::pair<std::string, std::string>> properties_of(const settings& from) {
  std::vector<std::pair<std::string, std::string>> out;
  auto add = [&out](const char* name, const std::string& value) {
    if (!value.empty())
      out.emplace_back(name, value);
  };
  add("security.protocol", from.kafka_security_protocol);
  if (from.kafka_security_protocol.rfind("sasl", 0) == 0) {
    add("sasl.mechanism", from.kafka_sasl_mechanism);
    add("sasl.username", from.kafka_sasl_username);
    add("sasl.password", from.kafka_sasl_password);
    add("sasl.oauthbearer.config", from.kafka_sasl_token_file);
  }
  add("ssl.ca.location", from.kafka_ssl_ca_location);
  add("ssl.certificate.location", from.kafka_ssl_certificate_location);
  add("ssl.key.location", from.kafka_ssl_key_location);
  add("ssl.key.password", from.kafka_ssl_key_password);
  for (const auto& [name, value] : read_kafka_properties(from.kafka_properties).all)
    out.emplace_back(name, value);
  return out;
}

/// A line of the Kafka client. That a broker is away is told by the node, once a minute;
/// the client says it for each of its connections and tries.
void report_kafka(const std::string& line) {
  const bool away = line.rfind("Kafka FAIL", 0) == 0 || line.rfind("Kafka ERROR", 0) == 0;
  spdlog::log(away ? spdlog::level::debug : spdlog::level::warn, "{}", redact(line));
}

caf::expected<std::unique_ptr<event_log>> open_log(const settings& from) {
  if (!from.kafka_broker.empty()) {
    kafka_config config;
    config.brokers = from.kafka_broker;
    config.topic = from.kafka_topic;
    config.partitions = from.partitions;
    config.replication = from.kafka_replication;
    config.min_insync = from.kafka_min_insync;
    config.properties = properties_of(from);
    config.open_timeout = kafka_try; // It is tried again.
    config.report = report_kafka;
    return kafka_log::open(std::move(config));
  }
  sqlite_log::config config;
  config.folder = from.data_dir;
  config.partitions = from.partitions;
  config.retain_bytes = static_cast<int64_t>(from.log_retain_mb * mebibyte);
  return sqlite_log::open(std::move(config));
}

caf::expected<std::unique_ptr<store>> open_store(const settings& from, const std::string& topic) {
  if (!from.database_url.empty()) {
    postgres_config config;
    config.url = from.database_url;
    config.topic = topic;
    return postgres_store::open(std::move(config));
  }
  sqlite_store::config config;
  config.folder = from.data_dir;
  config.topic = topic;
  config.log_keeps_rest = from.kafka_broker.empty(); // A topic does as it was made.
  config.report = [](const std::string& line) { spdlog::warn("{}", redact(line)); };
  return sqlite_store::open(std::move(config));
}

caf::expected<std::unique_ptr<cache>> open_cache(const settings& from, const std::string& identity,
                                                 metrics& counts) {
  if (!from.redis_addr.empty()) {
    redis_config config;
    config.host = from.redis_host;
    config.port = from.redis_port;
    config.username = from.redis_username;
    config.password = from.redis_password;
    config.identity = identity;
    config.counts = &counts;
    auto opened = redis_cache::open(std::move(config));
    if (!opened)
      return std::move(opened.error());
    return std::unique_ptr<cache>{std::move(*opened)};
  }
  memory_cache::config config;
  config.bytes_max = from.cache_mb * mebibyte;
  return std::unique_ptr<cache>{std::make_unique<memory_cache>(std::move(config))};
}

} // namespace

adapter_parts describe_adapters(const settings& from) {
  adapter_parts out;
  const std::string disk = "look at the space and the rights of " + from.data_dir;
  if (!has_log(from))
    out.log = {"none", "here (other nodes write and read it)", ""};
  else if (from.kafka_broker.empty())
    out.log = {"sqlite", from.data_dir + "/log.db", "clicks are refused meanwhile; " + disk};
  else
    out.log = {"kafka", from.kafka_broker + " topic " + from.kafka_topic,
               "clicks are refused meanwhile; look at the brokers, KAFKA_BROKER, KAFKA_SASL_* and "
               "KAFKA_SSL_*"};
  if (!has_store(from))
    out.store = {"none", "here (other nodes answer)", ""};
  else if (from.database_url.empty())
    out.store = {"sqlite", from.data_dir + "/store.db",
                 "clicks are accepted and wait in the log; " + disk};
  else
    out.store = {"postgresql", read_database_address(from.database_url).shown,
                 "clicks are accepted and wait in the log, questions are answered from memory or "
                 "get 503; look at PostgreSQL and its log, DATABASE_URL, and the rights of its "
                 "user"};
  if (from.redis_addr.empty())
    out.cache = {"memory", std::to_string(from.cache_mb) + " MiB", ""};
  else
    out.cache = {"redis", from.redis_host + ":" + std::to_string(from.redis_port),
                 "all counts stay right, answers take longer; look at Redis, REDIS_ADDR, "
                 "REDIS_USERNAME and REDIS_PASSWORD"};
  out.partitions_hint = "clicks are accepted and wait in the log; look at /actors?name=partition";
  if (!from.database_url.empty())
    out.partitions_hint += ", the rights of PostgreSQL's user, and what footfall's sessions wait "
                           "for in pg_stat_activity (SyncRep: a synchronous standby is missing; "
                           "Lock: who holds it)";
  if (from.cluster_listen.empty())
    out.partitions_hint += ". Another owner is a second node on the same topic and database: end "
                           "one";
  return out;
}

caf::expected<std::string> bring_up_to_date(const settings& from) {
  if (!has_store(from))
    return make_error(errc::invalid_argument, "this node has no store; give DATABASE_URL");
  if (from.database_url.empty()) {
    auto folder = data_lock::take(from.data_dir);
    if (!folder)
      return std::move(folder.error());
    auto topic = from.kafka_topic;
    if (from.kafka_broker.empty()) {
      auto log = open_log(from);
      if (!log)
        return std::move(log.error());
      topic = (*log)->topic();
    }
    if (auto events = open_store(from, topic); !events)
      return std::move(events.error());
  } else if (auto err = postgres_store::bring_schema_up(from.database_url)) {
    return err;
  }
  const auto version =
      from.database_url.empty() ? sqlite_store::schema_version() : postgres_store::schema_version();
  const auto parts = describe_adapters(from);
  return "the store " + parts.store.kind + " " + parts.store.where + " has schema version "
         + std::to_string(version);
}

caf::error open_missing(const settings& from, metrics& counts, adapters& out) {
  if (!has_store(from)) {
    out.events = std::make_unique<absent_store>();
    out.log = std::make_unique<told_log>("", 0, nullptr);
    out.values = std::make_unique<memory_cache>(memory_cache::config{});
    return caf::none;
  }
  const bool is_embedded =
      has_log(from) && (from.kafka_broker.empty() || from.database_url.empty());
  if (!out.folder && is_embedded) {
    auto folder = data_lock::take(from.data_dir);
    if (!folder)
      return std::move(folder.error());
    out.folder = std::move(*folder);
  }
  if (!out.log && has_log(from)) {
    auto log = open_log(from);
    if (!log)
      return std::move(log.error());
    if ((*log)->partitions() > partition_list::most)
      return make_error(errc::invalid_argument, "topic " + (*log)->topic() + " has "
                                                    + std::to_string((*log)->partitions())
                                                    + " partitions, and Footfall takes up to "
                                                    + std::to_string(partition_list::most)
                                                    + "; give KAFKA_TOPIC another one");
    out.log = std::move(*log);
  }
  if (!out.database && !from.database_url.empty()) {
    auto database =
        postgres::tenure::take(from.database_url, out.log ? out.log->topic() : from.kafka_topic,
                               from.cluster_listen.empty() ? postgres::tenure::kind::alone
                                                           : postgres::tenure::kind::cluster);
    if (!database)
      return std::move(database.error());
    out.database = std::move(*database);
  }
  if (!out.events) {
    auto events = open_store(from, out.log ? out.log->topic() : from.kafka_topic);
    if (!events)
      return std::move(events.error());
    out.events = std::move(*events);
  }
  if (!out.log) {
    auto log = told_log::open(from.kafka_topic, *out.events);
    if (!log)
      return std::move(log.error());
    out.log = std::move(*log);
  }
  auto values = open_cache(from, out.events->identity(), counts);
  if (!values)
    return std::move(values.error());
  out.values = std::move(*values);
  return caf::none;
}

} // namespace footfall::app
