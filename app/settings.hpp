#pragma once

#include <cstdint>
#include <string>

namespace footfall::app {

/// What a node was told, checked. app/option_table.cpp says what each means, its default
/// and its bounds; nothing else sets them.
struct settings {
  std::string data_dir;
  std::string bind;
  std::string hosts;           ///< Separated by commas.
  std::string auth;            ///< "auto", "on" or "off": whether keys are asked for.
  std::string tls_certificate; ///< PEM files; empty, both: clients are served without TLS.
  std::string tls_key;
  uint16_t ingest_port = 0;
  uint16_t query_port = 0;
  uint16_t grpc_port = 0;
  uint16_t admin_port = 0;
  std::string admin_bind;
  std::string ready_file; ///< Empty: none.
  uint32_t partitions = 0;
  std::string kafka_broker; ///< Empty: the log is embedded.
  std::string kafka_topic;
  uint16_t kafka_replication = 0; ///< 0: the broker's default.
  uint16_t kafka_min_insync = 0;  ///< 0: the broker's default.
  std::string kafka_security_protocol;
  std::string kafka_sasl_mechanism;
  std::string kafka_sasl_username;
  std::string kafka_sasl_password; ///< Secret.
  std::string kafka_sasl_token_file;
  std::string kafka_ssl_ca_location;
  std::string kafka_ssl_certificate_location;
  std::string kafka_ssl_key_location;
  std::string kafka_ssl_key_password; ///< Secret.
  std::string kafka_properties;       ///< "name=value;...", may hold secrets.
  std::string database_url;           ///< Empty: the store is embedded. Holds a password.
  std::string redis_addr;             ///< Empty: the cache is in the process. May hold a password.
  std::string redis_host;             ///< The parts of redis_addr.
  uint16_t redis_port = 0;
  std::string redis_username;
  std::string redis_password;    ///< Secret.
  std::string cluster_listen;    ///< Empty: this node is no member of a cluster.
  std::string cluster_advertise; ///< What peers dial.
  std::string cluster_seeds;     ///< Where nodes without a database find others, with commas.
  std::string cluster_ca;        ///< PEM files, as of certificate_files.
  std::string cluster_certificate;
  std::string cluster_key;
  bool cluster_insecure = false;
  std::string roles; ///< Separated by commas; all of them where a node is alone.
  std::string node_name;
  uint32_t lease_s = 0;
  std::string log_level;
  std::string log_format;
  uint32_t max_in_flight = 0;
  uint32_t max_connections = 0;
  uint32_t request_timeout_ms = 0;
  uint32_t lag_limit_s = 0; ///< 0: off.
  uint32_t live_pages_max = 0;
  uint32_t users_per_page_max = 0;
  uint32_t passivate_after_s = 0;
  uint32_t apply_batch_max = 0;
  uint32_t apply_gather_ms = 0;
  uint32_t fold_every_ms = 0;
  uint32_t log_retain_mb = 0;
  uint32_t cache_mb = 0;
  uint32_t drain_timeout_s = 0;
  bool accept_when_stopped = false;
  uint32_t drain_delay_s = 0;
  bool grpc_reflection = false;
  bool has_ui = false;
  uint32_t live_streams = 0;
  uint32_t actor_threads = 0; ///< 0: by the number of cores.
};

} // namespace footfall::app
