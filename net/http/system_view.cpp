#include "net/http/system_view.hpp"

#include <algorithm>

#include "net/http/json_text.hpp"
#include "net/http/states_text.hpp"
#include "net/http/system_history.hpp"

namespace footfall::http {

namespace {

void append_counter(std::string& out, std::string_view name, const counter& value) {
  append_member(out, name, value.load(std::memory_order_relaxed));
}

/// Its offsets are known: a partition that is claimed learns them from the store.
bool is_known(const partition_row& x) {
  return x.here && x.state != "claiming";
}

/// Of the partitions that this node runs: other nodes know theirs.
void append_ledger(std::string& out, const partitions_reply& x) {
  int64_t written = 0, applied = 0;
  uint64_t here = 0;
  bool known = x.code == errc::none;
  for (const auto& row : x.rows) {
    if (!row.here)
      continue;
    ++here;
    known = known && is_known(row) && row.log_end >= 0;
    written += std::max(row.log_end, row.next_offset);
    applied += row.next_offset;
  }
  append_key(out, "ledger");
  out += '{';
  append_known(out, "written", known ? written : -1);
  append_known(out, "applied", known ? applied : -1);
  append_known(out, "waiting", known ? written - applied : -1);
  append_member(out, "partitions", here);
  append_member(out, "partitions_in_all", x.rows.size());
  out += '}';
}

std::string owner_of(uint32_t partition, const node_health& x) {
  for (const auto& member : x.members)
    if (std::find(member.partitions.begin(), member.partitions.end(), partition)
        != member.partitions.end())
      return member.name;
  return {};
}

void append_partitions(std::string& out, const system_reply& x) {
  append_key(out, "partitions");
  out += '[';
  for (const auto& row : x.parts.rows) {
    out += out.back() == '[' ? "{" : ",{";
    const bool here = is_known(row);
    append_member(out, "n", row.partition);
    append_member(out, "phase", row.state);
    append_known(out, "log_end", row.log_end);
    append_known(out, "next", here ? row.next_offset : -1);
    append_known(out, "folded", here ? row.folded_offset : -1);
    append_known(out, "lag",
                 here && row.log_end >= 0 ? std::max<int64_t>(row.log_end - row.next_offset, 0)
                                          : -1);
    append_member(out, "owner", owner_of(row.partition, x.health));
    append_member(out, "reason", row.why);
    out += '}';
  }
  out += ']';
}

void append_freshness(std::string& out, const duration_histogram& x) {
  const auto counts = counts_of(x);
  append_key(out, "freshness");
  out += "{\"bounds_ms\":[";
  for (size_t i = 0; i + 1 < counts.size(); ++i) {
    if (i > 0)
      out += ',';
    append_bound(out, static_cast<int>(i));
  }
  out += "],\"counts\":[";
  for (size_t i = 0; i < counts.size(); ++i) {
    if (i > 0)
      out += ',';
    append_number(out, counts[i]);
  }
  out += ']';
  append_key(out, "p50_ms");
  append_bound(out, quantile(counts, 500));
  append_key(out, "p99_ms");
  append_bound(out, quantile(counts, 990));
  out += '}';
}

void append_node(std::string& out, const node_health& x) {
  const auto self = std::find_if(x.members.begin(), x.members.end(),
                                 [](const cluster_member& y) { return y.self; });
  append_member(out, "node", std::string_view(self == x.members.end() ? "" : self->name));
  append_key(out, "ready");
  out += x.ready && !x.draining ? "true" : "false";
  append_key(out, "draining");
  out += x.draining ? "true" : "false";
}

} // namespace

void ask_system(request_handler& handler, std::function<void(system_reply)> done) {
  // Health at the end: a log that is away takes seconds to be asked, and is known to be then.
  handler.partitions([&handler, done = std::move(done)](partitions_reply parts) {
    handler.health([parts = std::move(parts), done](node_health health) {
      done({std::move(health), parts});
    });
  });
}

std::string render(const system_reply& x, const metrics& counts, int64_t started_us,
                   int64_t now_us) {
  std::string out = "{\"version\":\"" FOOTFALL_VERSION "\"";
  append_node(out, x.health);
  append_key(out, "started_at");
  append_time(out, started_us);
  append_key(out, "at");
  append_time(out, now_us);
  append_member(out, "uptime_s",
                static_cast<uint64_t>(std::max<int64_t>(now_us - started_us, 0)) / 1'000'000);
  append_states(out, "roles", x.health.roles);
  append_states(out, "dependencies", x.health.dependencies);
  append_ledger(out, x.parts);
  append_partitions(out, x);
  append_freshness(out, counts.freshness);
  out += ",\"cache\":{";
  append_counter(out, "hits", counts.cache_hits);
  append_counter(out, "misses", counts.cache_misses);
  out += "},\"queries\":{";
  append_counter(out, "cache", counts.queries_from_cache);
  append_counter(out, "actor", counts.queries_from_actor);
  append_counter(out, "store", counts.queries_from_store);
  append_counter(out, "failed", counts.queries_failed);
  out += "},\"events\":{";
  append_counter(out, "accepted", counts.events_accepted);
  append_counter(out, "rejected", counts.events_rejected);
  append_counter(out, "unknown", counts.events_unknown);
  append_counter(out, "applied", counts.events_applied);
  append_counter(out, "duplicates", counts.events_duplicate);
  append_counter(out, "bad", counts.events_bad);
  append_counter(out, "id_conflicts", counts.id_conflicts);
  out += "}}";
  return out;
}

} // namespace footfall::http
