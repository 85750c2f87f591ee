#include "app/front_door.hpp"

#include "actors/tend/metrics_text.hpp"

namespace footfall::app {

namespace {

template <class Reply>
Reply refused(std::string why) {
  Reply out;
  out.code = errc::store_unavailable;
  out.reason = std::move(why);
  return out;
}

} // namespace

void front_door::waits_for(std::string what) {
  std::lock_guard guard{mutex_};
  waits_for_ = std::move(what);
}

std::string front_door::why() const {
  std::lock_guard guard{mutex_};
  return waits_for_.empty() ? "the node starts" : "the node starts and waits: " + waits_for_;
}

node_health front_door::health_now() const {
  node_health out;
  for (const auto* role : role_names)
    out.roles.emplace_back(role, why());
  return out;
}

void front_door::ingest(std::vector<click_event> events, ingest_done done,
                        const trace_context& trace) {
  if (auto* node = inside_.load())
    return node->ingest(std::move(events), std::move(done), trace);
  ingest_reply out;
  for (auto& event : events) {
    auto& x = out.results.emplace_back();
    x.status = outcome::rejected;
    x.code = errc::log_unavailable;
    x.event_id = std::move(event.event_id);
    x.reason = why() + "; nothing was stored; send it later";
  }
  done(std::move(out));
}

void front_door::query(query_ask ask, query_done done) {
  if (auto* node = inside_.load())
    return node->query(std::move(ask), std::move(done));
  done(refused<query_answer>(why()));
}

std::shared_ptr<void> front_door::watch(std::string site_id, std::string page_url,
                                        query_done update) {
  if (auto* node = inside_.load())
    return node->watch(std::move(site_id), std::move(page_url), std::move(update));
  update(refused<query_answer>(why()));
  return nullptr;
}

void front_door::health(reply<node_health> done) {
  if (auto* node = inside_.load())
    return node->health(std::move(done));
  done(health_now());
}

void front_door::actors(actors_ask ask, reply<actors_reply> done) {
  if (auto* node = inside_.load())
    return node->actors(std::move(ask), std::move(done));
  done(refused<actors_reply>(why()));
}

void front_door::actor(std::string node, uint64_t id, reply<actor_detail> done) {
  if (auto* inside = inside_.load())
    return inside->actor(std::move(node), id, std::move(done));
  done(refused<actor_detail>(why()));
}

void front_door::audit(audit_ask ask, reply<audit_reply> done) {
  if (auto* node = inside_.load())
    return node->audit(ask, std::move(done));
  done(refused<audit_reply>(why()));
}

void front_door::bad_events(bad_events_ask ask, reply<bad_events_reply> done) {
  if (auto* node = inside_.load())
    return node->bad_events(ask, std::move(done));
  done(refused<bad_events_reply>(why()));
}

void front_door::redrive(redrive_ask ask, reply<redrive_reply> done) {
  if (auto* node = inside_.load())
    return node->redrive(std::move(ask), std::move(done));
  done(refused<redrive_reply>(why()));
}

applied_counts front_door::applied(const position_range& range) const {
  const auto* node = inside_.load();
  return node ? node->applied(range) : all_forgotten(range);
}

void front_door::partitions(reply<partitions_reply> done) {
  if (auto* node = inside_.load())
    return node->partitions(std::move(done));
  done(refused<partitions_reply>(why()));
}

void front_door::skip(uint32_t partition, int64_t to, reply<partition_reply> done) {
  if (auto* node = inside_.load())
    return node->skip(partition, to, std::move(done));
  done(refused<partition_reply>(why()));
}

void front_door::new_generation(reply<partition_reply> done) {
  if (auto* node = inside_.load())
    return node->new_generation(std::move(done));
  done(refused<partition_reply>(why()));
}

std::string front_door::metrics() {
  if (auto* node = inside_.load())
    return node->metrics();
  return metrics_text(counts_, node_status{0}, 0, 0, health_now(), nullptr, {});
}

} // namespace footfall::app
