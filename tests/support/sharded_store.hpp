#pragma once

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "actors/model/record.hpp"
#include "db/memory/memory_store.hpp"

namespace footfall::test {

/// Two databases behind one port: a site is in one of them, with all partitions that have
/// its events. Each numbers pages, users and types for itself. What no question about a
/// site needs is refused.
class sharded_store final : public store {
public:
  static constexpr uint32_t partitions = 4; ///< The even ones are in the first.

  std::array<memory_store, 2> shards;

  static size_t shard_of(const std::string& site_id) { return site_id == "south" ? 1 : 0; }
  /// A page whose partition is where its site is.
  static std::string page_of(const std::string& site_id) {
    for (int i = 0;; ++i) {
      auto page = "/" + std::to_string(i);
      const auto home = model::partition_of(model::record_key(site_id, page), partitions);
      if (home % 2 == shard_of(site_id))
        return page;
    }
  }

  void claim(uint32_t partition, done<partition_claim> reply) override {
    at(partition).claim(partition, std::move(reply));
  }
  void claim(lease_claim by, done<partition_claim> reply) override {
    at(by.partition).claim(by, std::move(reply));
  }
  leases& nodes() override { return shards[0].nodes(); }
  void adopt(uint32_t partition, int64_t epoch, std::string log_id, done<bool> reply) override {
    at(partition).adopt(partition, epoch, log_id, std::move(reply));
  }
  void begin_generation(std::vector<int64_t>, std::string, done<uint32_t> reply) override {
    refuse(reply);
  }
  void apply(apply_request batch, done<apply_result> reply) override {
    at(batch.partition).apply(std::move(batch), std::move(reply));
  }
  void fold(uint32_t partition, int64_t from, int64_t until, done<fold_result> reply) override {
    at(partition).fold(partition, from, until, std::move(reply));
  }
  void read_counts(std::vector<pair_key>, done<snapshot<pair_count>> reply) override {
    refuse(reply); // May be of several sites.
  }
  void load_pages(std::vector<page_key> keys, int32_t first_minute, uint32_t users_max,
                  done<snapshot<page_load>> reply) override {
    for (const auto& x : keys)
      if (shard_of(x.site_id) != shard_of(keys[0].site_id))
        return refuse(reply);
    of(keys.at(0).site_id).load_pages(keys, first_minute, users_max, std::move(reply));
  }
  void top_pages(std::string site_id, int64_t from_us, int64_t to_us, uint32_t limit,
                 done<snapshot<named_count>> reply) override {
    of(site_id).top_pages(site_id, from_us, to_us, limit, std::move(reply));
  }
  void minutes(page_key key, int64_t from_us, int64_t to_us,
               done<snapshot<series_point>> reply) override {
    of(key.site_id).minutes(key, from_us, to_us, std::move(reply));
  }
  void top_users(page_key key, uint32_t limit, done<snapshot<named_count>> reply) override {
    of(key.site_id).top_users(key, limit, std::move(reply));
  }
  void user_names(std::string site_id, std::vector<int32_t> numbers,
                  done<snapshot<std::string>> reply) override {
    of(site_id).user_names(site_id, std::move(numbers), std::move(reply));
  }
  void type_names(std::string site_id, std::vector<int32_t> numbers,
                  done<snapshot<std::string>> reply) override {
    ++types_read;
    of(site_id).type_names(site_id, std::move(numbers), std::move(reply));
  }
  void audit(done<std::vector<audit_difference>> reply) override { refuse(reply); }
  void audit_page(page_key key, done<page_recount> reply) override {
    of(key.site_id).audit_page(key, std::move(reply));
  }
  void progress(done<std::vector<partition_state>> reply) override {
    using rows = caf::expected<std::vector<partition_state>>;
    shards[0].progress([this, reply](rows first) {
      shards[1].progress([first, reply](rows second) mutable {
        second->insert(second->end(), first->begin(), first->end());
        reply(std::move(second));
      });
    });
  }
  void bad_events(bad_events_ask, done<bad_event_page> reply) override { refuse(reply); }
  void mark_redriven(std::vector<redriven>, done<uint64_t> reply) override { refuse(reply); }
  uint64_t incarnation() const override { return shards[0].incarnation(); }
  void on_renewal(renewal) override {}
  const std::string& identity() const override { return shards[0].identity(); }
  std::string health() const override { return {}; }

  size_t types_read = 0; ///< Calls of type_names.
  size_t users_read() const { return shards[0].users_named + shards[1].users_named; }

private:
  memory_store& at(uint32_t partition) { return shards.at(partition % 2); }
  memory_store& of(const std::string& site_id) { return shards.at(shard_of(site_id)); }
  template <class Reply>
  static void refuse(Reply& reply) {
    reply(make_error(errc::internal, "two databases do not answer this together"));
  }
};

} // namespace footfall::test
