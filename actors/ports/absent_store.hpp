#pragma once

#include "actors/ports/store.hpp"

namespace footfall {

/// The store of a node that has none, as it is a gateway alone: it has no partitions, and
/// everything else is refused with errc::store_unavailable.
class absent_store final : public store, private leases {
public:
  void claim(uint32_t partition, store::done<partition_claim> reply) override;
  void claim(lease_claim by, store::done<partition_claim> reply) override;
  leases& nodes() override { return *this; }
  void adopt(uint32_t partition, int64_t epoch, std::string log_id,
             store::done<bool> reply) override;
  void begin_generation(std::vector<int64_t> starts, std::string log_id,
                        store::done<uint32_t> reply) override;
  void apply(apply_request batch, store::done<apply_result> reply) override;
  void fold(uint32_t partition, int64_t from, int64_t until,
            store::done<fold_result> reply) override;
  void read_counts(std::vector<pair_key> keys, store::done<snapshot<pair_count>> reply) override;
  void load_pages(std::vector<page_key> keys, int32_t first_minute, uint32_t users_max,
                  store::done<snapshot<page_load>> reply) override;
  void top_pages(std::string site_id, int64_t from_us, int64_t to_us, uint32_t limit,
                 store::done<snapshot<named_count>> reply) override;
  void minutes(page_key key, int64_t from_us, int64_t to_us,
               store::done<snapshot<series_point>> reply) override;
  void top_users(page_key key, uint32_t limit, store::done<snapshot<named_count>> reply) override;
  void user_names(std::string site_id, std::vector<int32_t> numbers,
                  store::done<snapshot<std::string>> reply) override;
  void type_names(std::string site_id, std::vector<int32_t> numbers,
                  store::done<snapshot<std::string>> reply) override;
  void audit(store::done<std::vector<audit_difference>> reply) override;
  void audit_page(page_key key, store::done<page_recount> reply) override;
  void progress(store::done<std::vector<partition_state>> reply) override;
  void bad_events(bad_events_ask ask, store::done<bad_event_page> reply) override;
  void mark_redriven(std::vector<redriven> rows, store::done<uint64_t> reply) override;
  uint64_t incarnation() const override { return 1; }
  void on_renewal(renewal) override {}
  const std::string& identity() const override { return identity_; }
  std::string health() const override { return {}; }

private:
  void join(leases::done<int64_t> reply) override;
  void beat(node_beat x, leases::done<beat_answer> reply) override;
  void release(uint32_t partition, owner_id me, int64_t epoch, leases::done<bool> reply) override;
  void mark_stopped(uint32_t partition, owner_id me, int64_t epoch, stop_kind kind, std::string why,
                    leases::done<bool> reply) override;
  void leave(owner_id me, leases::done<bool> reply) override;

  const std::string identity_ = "none";
};

} // namespace footfall
