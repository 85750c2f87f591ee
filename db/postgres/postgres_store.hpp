#pragma once

#include <memory>
#include <optional>
#include <string>

#include "actors/ports/store.hpp"

namespace footfall {

struct postgres_config {
  std::string url;              ///< What libpq takes: hosts, TLS and timeouts included.
  std::string topic = "clicks"; ///< The event log's; progress is kept under it.
  /// Calls of one kind (writes of a lane, folds, reads, audits) that may wait. As many
  /// as there may be partitions: each has one write open.
  size_t waiting_max = 1024;
};

/// The shared store: PostgreSQL 15 or newer, reached through libpq. Several nodes
/// may have it open at once; the epoch of each partition keeps them apart.
///
/// Threads of its own, each with one connection: two that apply (a
/// partition always meets the same one), one that folds, two that read counts and pages,
/// one that reads lists (and the names of users), which may look at a whole site, one that
/// audits, and three for the leases of nodes, which connect when they are first used. So nothing
/// small waits for a list. A connection that breaks is made again by itself. A call that meets a
/// full queue is answered on the calling thread.
class postgres_store final : public store {
public:
  /// Connects, brings the schema up to date and registers the topic.
  static caf::expected<std::unique_ptr<store>> open(postgres_config config);

  /// Brings the schema of a database to this program's version, and does nothing else.
  static caf::error bring_schema_up(const std::string& url);
  /// Which this program brings it to.
  static int schema_version();

  ~postgres_store() override;

  void claim(uint32_t partition, done<partition_claim> reply) override;
  void claim(lease_claim by, done<partition_claim> reply) override;
  leases& nodes() override;
  void adopt(uint32_t partition, int64_t epoch, std::string log_id, done<bool> reply) override;
  void begin_generation(std::vector<int64_t> starts, std::string log_id,
                        done<uint32_t> reply) override;
  void apply(apply_request batch, done<apply_result> reply) override;
  void fold(uint32_t partition, int64_t from, int64_t until, done<fold_result> reply) override;
  void read_counts(std::vector<pair_key> keys, done<snapshot<pair_count>> reply) override;
  void load_pages(std::vector<page_key> keys, int32_t first_minute, uint32_t users_max,
                  done<snapshot<page_load>> reply) override;
  void top_pages(std::string site_id, int64_t from_us, int64_t to_us, uint32_t limit,
                 done<snapshot<named_count>> reply) override;
  void minutes(page_key key, int64_t from_us, int64_t to_us,
               done<snapshot<series_point>> reply) override;
  void top_users(page_key key, uint32_t limit, done<snapshot<named_count>> reply) override;
  void user_names(std::string site_id, std::vector<int32_t> numbers,
                  done<snapshot<std::string>> reply) override;
  void type_names(std::string site_id, std::vector<int32_t> numbers,
                  done<snapshot<std::string>> reply) override;
  void audit(done<std::vector<audit_difference>> reply) override;
  void audit_page(page_key key, done<page_recount> reply) override;
  void progress(done<std::vector<partition_state>> reply) override;
  void bad_events(bad_events_ask ask, done<bad_event_page> reply) override;
  void mark_redriven(std::vector<redriven> rows, done<uint64_t> reply) override;
  uint64_t incarnation() const override;
  void on_renewal(renewal tell) override;
  const std::string& identity() const override;
  std::string health() const override;

private:
  struct parts;
  explicit postgres_store(std::unique_ptr<parts> x);
  void claim(uint32_t partition, std::optional<lease_claim> by, done<partition_claim> reply);
  void fold_older(uint32_t partition);
  template <class T, class Work>
  void read(done<T> reply, Work work);
  template <class T, class Work>
  void list(done<T> reply, Work work);

  std::unique_ptr<parts> parts_;
};

} // namespace footfall
