#include "db/postgres/incarnations.hpp"

#include <algorithm>

namespace footfall::postgres {

namespace {

using namespace std::chrono_literals;

constexpr auto look_time_max = 10s;

// A standby has no timeline of its own to write on.
constexpr statement read_server{"read_server", R"(
  SELECT (SELECT system_identifier::text FROM pg_control_system()),
         CASE WHEN pg_is_in_recovery() THEN 0
              ELSE ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::int END,
         (SELECT oid::text FROM pg_database WHERE datname = current_database()),
         pg_postmaster_start_time()::text,
         coalesce((SELECT stats_reset::text FROM pg_stat_wal), ''), pg_is_in_recovery())"};
constexpr statement read_less_of_server{"read_less_of_server", R"(
  SELECT '', 0, (SELECT oid::text FROM pg_database WHERE datname = current_database()),
         pg_postmaster_start_time()::text, '', pg_is_in_recovery())"};

/// $1 log
constexpr statement read_cursors{"read_cursors", R"(
  SELECT (SELECT identity::text FROM core.store),
         (SELECT topic_no FROM core.current_topics WHERE log = $1),
         array_agg(part ORDER BY part), array_agg(epoch ORDER BY part),
         array_agg(next_offset ORDER BY part),
         array_agg(coalesce(folded_offset, 0) ORDER BY part)
    FROM public.partition_progress LEFT JOIN public.fold_progress USING (topic, part)
   WHERE topic = (SELECT topic FROM core.current_topics WHERE log = $1))"};

/// Whether the server will never answer that: rights, or no such function.
bool is_kept_from_us(const result& x) {
  return x.state == "42501" || x.state == "42883" || x.state == "42P01" || x.state == "0A000";
}

caf::error wrong_store(const std::string& text) {
  return make_error(errc::store_unavailable, text);
}

std::string moved_back(uint32_t partition, const char* what, int64_t from, int64_t to) {
  return "partition " + std::to_string(partition) + " went from " + what + ' '
         + std::to_string(from) + " back to " + std::to_string(to);
}

} // namespace

bool server_mark::contradicts(const server_mark& other) const {
  auto differ = [](const std::string& a, const std::string& b) {
    return !a.empty() && !b.empty() && a != b;
  };
  const bool timelines_known = !system.empty() && !other.system.empty();
  return differ(system, other.system) || (timelines_known && timeline != other.timeline)
         || differ(database, other.database) || differ(started, other.started)
         || differ(counting, other.counting);
}

void server_mark::complete(const server_mark& earlier) {
  if (system.empty()) {
    system = earlier.system;
    timeline = earlier.timeline;
  }
  if (counting.empty())
    counting = earlier.counting;
}

std::string server_mark::text() const {
  return (system.empty() ? ""
                         : "system " + system + ", timeline " + std::to_string(timeline) + ", ")
         + "database " + database + ", started " + started
         + (counting.empty() ? "" : ", counting since " + counting);
}

incarnations::incarnations(known_generation& now, std::string identity, size_t server_no)
    : now_(now), identity_(std::move(identity)), entry_{1, server_no} {}

uint64_t incarnations::current() const {
  std::lock_guard guard{mutex_};
  return current_;
}

entry incarnations::last_entry() const {
  std::lock_guard guard{mutex_};
  return entry_;
}

void incarnations::on_renewal(store::renewal tell) {
  std::lock_guard guard{mutex_};
  tell_ = std::move(tell);
}

int64_t incarnations::epoch_of(uint32_t partition) const {
  std::lock_guard guard{mutex_};
  auto at = epochs_.find(partition);
  return at == epochs_.end() ? 0 : at->second;
}

// An epoch that is higher is another owner's: apply will say so.
std::string incarnations::compare(const server_mark& server, const states& known,
                                  const states& found) const {
  if (server.contradicts(server_))
    return "it was " + server_.text() + "; it is " + server.text();
  for (const auto& [partition, x] : known) {
    auto at = found.find(partition);
    const partition_state now = at == found.end() ? partition_state{} : at->second;
    if (now.next_offset < x.next_offset)
      return moved_back(partition, "offset", x.next_offset, now.next_offset);
    if (now.folded_offset < x.folded_offset)
      return moved_back(partition, "folded offset", x.folded_offset, now.folded_offset);
    if (now.epoch < x.epoch)
      return moved_back(partition, "epoch", x.epoch, now.epoch);
  }
  return {};
}

caf::error incarnations::admit(connection& c) {
  uint64_t before = 0;
  states known;
  {
    std::lock_guard guard{mutex_};
    before = current_;
    known = known_;
  }
  auto server = look_at_server(c);
  if (!server)
    return std::move(server.error());
  auto found = look_at_cursors(c);
  if (!found)
    return std::move(found.error());
  std::lock_guard guard{mutex_};
  if (server->system == server_.system && server->timeline < server_.timeline)
    return wrong_store("PostgreSQL is on timeline " + std::to_string(server->timeline)
                       + " of system " + server->system + ", which timeline "
                       + std::to_string(server_.timeline)
                       + " has replaced: an old primary that came back? Another server of "
                         "DATABASE_URL is tried; restart the node if this one is meant");
  // When another thread saw a change meanwhile, what was known before it is void.
  const auto seen = compare(*server, before == current_ ? known : states{}, *found);
  if (seen.empty())
    server->complete(server_);
  else
    renew(seen);
  server_ = std::move(*server);
  if (c.incarnation() == 0)
    entry_ = {entry_.number + 1, c.server_no()};
  c.set_incarnation(current_);
  return caf::none;
}

// Where a service keeps its control data to itself, what is left must do: a failover is a
// server with another start then. Any other failure says nothing about the server.
caf::expected<server_mark> incarnations::look_at_server(connection& c) const {
  auto rows = c.run(read_server, {}, look_time_max);
  if (is_kept_from_us(rows))
    rows = c.run(read_less_of_server, {}, look_time_max);
  if (!rows.ok() || rows.rows() == 0)
    return to_error(rows, "cannot ask PostgreSQL which server it is");
  if (rows.boolean(0, 5))
    return wrong_store("PostgreSQL is a standby, which takes no writes; point DATABASE_URL at "
                       "the primary");
  auto text = [&rows](int column) { return std::string(rows.bytes(0, column)); };
  return server_mark{text(0), rows.int4(0, 1), text(2), text(3), text(4)};
}

caf::expected<incarnations::states> incarnations::look_at_cursors(connection& c) const {
  parameters values;
  values.add_text(now_.log());
  auto rows = c.run(read_cursors, values, look_time_max);
  if (!rows.ok() || rows.rows() == 0)
    return to_error(rows, "cannot read how far the store is");
  if (rows.bytes(0, 0) != identity_ || rows.is_null(0, 1))
    return wrong_store("another store stands at DATABASE_URL than the one this node started with "
                       "(identity "
                       + std::string(rows.bytes(0, 0)) + ", not " + identity_
                       + "); restart the node if that is meant");
  states out;
  const auto parts = rows.int4s(0, 2);
  const auto epochs = rows.int8s(0, 3), next = rows.int8s(0, 4), folded = rows.int8s(0, 5);
  for (size_t i = 0; i < parts.size(); ++i) {
    const auto partition = static_cast<uint32_t>(parts[i]);
    out[partition] = {partition, epochs[i], next[i], folded[i]};
  }
  return out;
}

// Told before any answer says so.
void incarnations::renew(const std::string& seen) {
  known_.clear();
  if (tell_)
    tell_(current_ + 1, seen);
  ++current_;
}

void incarnations::begin_anew(const std::string& why) {
  std::lock_guard guard{mutex_};
  renew(why);
}

partition_state* incarnations::known(const connection& c, uint32_t partition) {
  return c.incarnation() == current_ ? &known_[partition] : nullptr;
}

void incarnations::claimed(const connection& c, uint32_t partition, const partition_claim& x) {
  std::lock_guard guard{mutex_};
  auto& epoch = epochs_[partition];
  epoch = std::max(epoch, x.epoch);
  auto* known = this->known(c, partition);
  if (!known)
    return;
  if (x.next_offset < known->next_offset)
    return renew(moved_back(partition, "offset", known->next_offset, x.next_offset));
  *known = {partition, x.epoch, x.next_offset, x.folded_offset};
}

void incarnations::applied(const connection& c, uint32_t partition, int64_t next_offset) {
  std::lock_guard guard{mutex_};
  if (auto* x = known(c, partition))
    x->next_offset = std::max(x->next_offset, next_offset);
}

void incarnations::folded(const connection& c, uint32_t partition, int64_t folded_offset) {
  std::lock_guard guard{mutex_};
  if (auto* x = known(c, partition))
    x->folded_offset = std::max(x->folded_offset, folded_offset);
}

} // namespace footfall::postgres
