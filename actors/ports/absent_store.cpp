#include "actors/ports/absent_store.hpp"

namespace footfall {

namespace {

caf::error none() {
  return make_error(errc::store_unavailable, "this node has no database; ask one that has "
                                             "(footfall cluster lists the nodes)");
}

} // namespace

void absent_store::claim(uint32_t, store::done<partition_claim> reply) {
  reply(none());
}
void absent_store::claim(lease_claim, store::done<partition_claim> reply) {
  reply(none());
}
void absent_store::adopt(uint32_t, int64_t, std::string, store::done<bool> reply) {
  reply(none());
}
void absent_store::begin_generation(std::vector<int64_t>, std::string,
                                    store::done<uint32_t> reply) {
  reply(none());
}
void absent_store::apply(apply_request, store::done<apply_result> reply) {
  reply(none());
}
void absent_store::fold(uint32_t, int64_t, int64_t, store::done<fold_result> reply) {
  reply(none());
}
void absent_store::read_counts(std::vector<pair_key>, store::done<snapshot<pair_count>> reply) {
  reply(none());
}
void absent_store::load_pages(std::vector<page_key>, int32_t, uint32_t,
                              store::done<snapshot<page_load>> reply) {
  reply(none());
}
void absent_store::top_pages(std::string, int64_t, int64_t, uint32_t,
                             store::done<snapshot<named_count>> reply) {
  reply(none());
}
void absent_store::minutes(page_key, int64_t, int64_t, store::done<snapshot<series_point>> reply) {
  reply(none());
}
void absent_store::top_users(page_key, uint32_t, store::done<snapshot<named_count>> reply) {
  reply(none());
}
void absent_store::user_names(std::string, std::vector<int32_t>,
                              store::done<snapshot<std::string>> reply) {
  reply(none());
}
void absent_store::type_names(std::string, std::vector<int32_t>,
                              store::done<snapshot<std::string>> reply) {
  reply(none());
}
void absent_store::audit(store::done<std::vector<audit_difference>> reply) {
  reply(none());
}
void absent_store::audit_page(page_key, store::done<page_recount> reply) {
  reply(none());
}
void absent_store::progress(store::done<std::vector<partition_state>> reply) {
  reply(std::vector<partition_state>{});
}
void absent_store::bad_events(bad_events_ask, store::done<bad_event_page> reply) {
  reply(none());
}
void absent_store::mark_redriven(std::vector<redriven>, store::done<uint64_t> reply) {
  reply(none());
}
void absent_store::join(leases::done<int64_t> reply) {
  reply(none());
}
void absent_store::beat(node_beat, leases::done<beat_answer> reply) {
  reply(none());
}
void absent_store::release(uint32_t, owner_id, int64_t, leases::done<bool> reply) {
  reply(none());
}
void absent_store::mark_stopped(uint32_t, owner_id, int64_t, stop_kind, std::string,
                                leases::done<bool> reply) {
  reply(none());
}
void absent_store::leave(owner_id, leases::done<bool> reply) {
  reply(none());
}

} // namespace footfall
