#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "actors/ports/clock.hpp"
#include "actors/ports/store.hpp"

namespace footfall::test {

/// The rows of nodes that share a store, as PostgreSQL has them, by a clock of the test's.
struct shared_rows {
  struct node {
    int64_t incarnation = 0;
    uint64_t beat = 0;
    int64_t expires_us = 0;
    node_row row;
  };

  store& inner;
  now_fn now;
  int64_t incarnations = 0;
  std::map<std::string, node> nodes;
  std::map<uint32_t, partition_owner> owners;
  std::map<uint32_t, partition_mark> marks = {};
  std::function<bool(const owner_id&)> is_gone = {}; ///< Its connection has ended; nobody's has.
  bool sees_gone(const owner_id& x) const { return is_gone && is_gone(x); }
};

/// One node's way to a store that others share. It can be cut: calls fail then.
class shared_store final : public store, private leases {
public:
  explicit shared_store(shared_rows& rows) : rows_(rows) {}

  bool cut = false;
  bool silent = false; ///< No call is answered, as over a network that loses all.
  bool hangs_in_applies = false;
  bool tells_no_progress = false;    ///< It does not answer how far partitions are.
  bool knows_no_names = false;       ///< Of users and types: those reads fail.
  std::string damaged_page = "none"; ///< Cannot be loaded, and what is loaded with it.
  size_t damaged_reads = 0;
  bool keeps_applied = false; ///< Applies are done, and not answered until that is called.
  std::vector<std::function<void()>> kept_applied;

  void claim(uint32_t partition, store::done<partition_claim> reply) override {
    pass(reply, [&] { inner().claim(partition, std::move(reply)); });
  }
  void claim(lease_claim by, store::done<partition_claim> reply) override {
    pass(reply, [&] {
      auto& row = rows_.owners[by.partition];
      const auto owner = rows_.nodes.find(row.owner.node);
      const bool is_held = row.owner.node != by.me.node && owner != rows_.nodes.end()
                           && owner->second.incarnation == row.owner.incarnation
                           && owner->second.expires_us > rows_.now()
                           && !(by.early && rows_.sees_gone(row.owner));
      if (is_held || row.owner != by.owner || row.epoch != by.epoch)
        return reply(partition_claim::refused());
      inner().claim(by.partition, [&, by, reply](caf::expected<partition_claim> x) {
        if (x)
          rows_.owners[by.partition] = {by.partition, by.me, x->epoch};
        if (const auto mark = rows_.marks.find(by.partition); x && mark != rows_.marks.end())
          x->is_marked = mark->second.stopped != stop_kind::none;
        reply(std::move(x));
      });
    });
  }
  leases& nodes() override { return *this; }
  void adopt(uint32_t partition, int64_t epoch, std::string log_id,
             store::done<bool> reply) override {
    pass(reply, [&] { inner().adopt(partition, epoch, log_id, std::move(reply)); });
  }
  void begin_generation(std::vector<int64_t> starts, std::string log_id,
                        store::done<uint32_t> reply) override {
    pass(reply, [&] { inner().begin_generation(starts, log_id, std::move(reply)); });
  }
  void apply(apply_request batch, store::done<apply_result> reply) override {
    if (hangs_in_applies)
      return;
    pass(reply, [&] {
      const bool has_strays = batch.has_strays;
      const auto partition = batch.partition;
      inner().apply(std::move(batch), [=, this](const caf::expected<apply_result>& x) {
        if (has_strays && x && x->moved)
          ++mark_of(partition).strays;
        if (keeps_applied)
          kept_applied.emplace_back([reply, x] { reply(x); });
        else
          reply(x);
      });
    });
  }
  void fold(uint32_t partition, int64_t from, int64_t until,
            store::done<fold_result> reply) override {
    pass(reply, [&] { inner().fold(partition, from, until, std::move(reply)); });
  }
  void read_counts(std::vector<pair_key> keys, store::done<snapshot<pair_count>> reply) override {
    pass(reply, [&] { inner().read_counts(std::move(keys), std::move(reply)); });
  }
  void load_pages(std::vector<page_key> keys, int32_t first_minute, uint32_t users_max,
                  store::done<snapshot<page_load>> reply) override {
    pass(reply, [&] {
      for (const auto& x : keys)
        if (x.page_url == damaged_page) {
          ++damaged_reads;
          return reply(make_error(errc::corrupt, "damaged by the test"));
        }
      inner().load_pages(std::move(keys), first_minute, users_max, std::move(reply));
    });
  }
  void top_pages(std::string site, int64_t from_us, int64_t to_us, uint32_t limit,
                 store::done<snapshot<named_count>> reply) override {
    pass(reply, [&] { inner().top_pages(site, from_us, to_us, limit, std::move(reply)); });
  }
  void minutes(page_key key, int64_t from_us, int64_t to_us,
               store::done<snapshot<series_point>> reply) override {
    pass(reply, [&] { inner().minutes(std::move(key), from_us, to_us, std::move(reply)); });
  }
  void top_users(page_key key, uint32_t limit, store::done<snapshot<named_count>> reply) override {
    pass(reply, [&] { inner().top_users(std::move(key), limit, std::move(reply)); });
  }
  void user_names(std::string site_id, std::vector<int32_t> numbers,
                  store::done<snapshot<std::string>> reply) override {
    pass_name(reply, [&] {
      inner().user_names(std::move(site_id), std::move(numbers), std::move(reply));
    });
  }
  void type_names(std::string site_id, std::vector<int32_t> numbers,
                  store::done<snapshot<std::string>> reply) override {
    pass_name(reply, [&] {
      inner().type_names(std::move(site_id), std::move(numbers), std::move(reply));
    });
  }
  void audit(store::done<std::vector<audit_difference>> reply) override {
    pass(reply, [&] { inner().audit(std::move(reply)); });
  }
  void audit_page(page_key key, store::done<page_recount> reply) override {
    pass(reply, [&] { inner().audit_page(std::move(key), std::move(reply)); });
  }
  void progress(store::done<std::vector<partition_state>> reply) override {
    if (!tells_no_progress)
      pass(reply, [&] { inner().progress(std::move(reply)); });
  }
  void bad_events(bad_events_ask ask, store::done<bad_event_page> reply) override {
    pass(reply, [&] { inner().bad_events(ask, std::move(reply)); });
  }
  void mark_redriven(std::vector<redriven> rows, store::done<uint64_t> reply) override {
    pass(reply, [&] { inner().mark_redriven(std::move(rows), std::move(reply)); });
  }
  uint64_t incarnation() const override { return rows_.inner.incarnation(); }
  void on_renewal(renewal) override {}
  const std::string& identity() const override { return rows_.inner.identity(); }
  std::string health() const override { return {}; }

private:
  void join(leases::done<int64_t> reply) override {
    pass(reply, [&] { reply(++rows_.incarnations); });
  }
  void beat(node_beat x, leases::done<beat_answer> reply) override {
    pass(reply, [&] {
      beat_answer out;
      auto& mine = rows_.nodes[x.me.node];
      out.renewed = mine.incarnation <= x.me.incarnation;
      if (out.renewed && (mine.incarnation < x.me.incarnation || mine.beat < x.number))
        mine = {x.me.incarnation,
                x.number,
                rows_.now() + x.lease_us - x.spent_us,
                {x.me, sight::live, has_role(x.roles, "aggregate"), x.draining, x.log, x.number,
                 x.roles, x.address, x.version}};
      for (const auto& [name, node] : rows_.nodes) {
        out.nodes.push_back(node.row);
        out.nodes.back().left_us = node.expires_us - rows_.now();
        out.nodes.back().seen = node.expires_us <= rows_.now() ? sight::late
                                : rows_.sees_gone(node.row.id) ? sight::gone
                                                               : sight::live;
      }
      for (uint32_t i = 0; i < x.partitions; ++i)
        out.partitions.push_back({i, rows_.owners[i].owner, rows_.owners[i].epoch});
      for (const auto& [partition, mark] : rows_.marks)
        out.marks.push_back(mark);
      reply(std::move(out));
    });
  }
  void mark_stopped(uint32_t partition, owner_id me, int64_t epoch, stop_kind kind, std::string why,
                    leases::done<bool> reply) override {
    pass(reply, [&] {
      const auto& row = rows_.owners[partition];
      const bool is_ours = row.owner == me && row.epoch == epoch;
      if (is_ours) {
        mark_of(partition).stopped = kind;
        mark_of(partition).why = std::move(why);
      }
      reply(is_ours);
    });
  }
  void release(uint32_t partition, owner_id me, int64_t epoch, leases::done<bool> reply) override {
    pass(reply, [&] {
      auto& row = rows_.owners[partition];
      if (row.owner != me || row.epoch != epoch)
        return reply(false);
      inner().claim(partition, [&row, partition, reply](const caf::expected<partition_claim>& x) {
        row = {partition, {}, x->epoch}; // So that nothing of before moves it.
        reply(true);
      });
    });
  }
  void leave(owner_id me, leases::done<bool> reply) override {
    pass(reply, [&] {
      const auto at = rows_.nodes.find(me.node);
      const bool is_there = at != rows_.nodes.end() && at->second.incarnation == me.incarnation;
      if (is_there)
        rows_.nodes.erase(at);
      reply(is_there);
    });
  }

  store& inner() { return rows_.inner; }
  partition_mark& mark_of(uint32_t partition) {
    auto& out = rows_.marks[partition];
    out.partition = partition;
    return out;
  }
  template <class Reply, class Work>
  void pass(Reply& reply, Work work) {
    if (silent)
      return;
    if (cut)
      reply(make_error(errc::store_unavailable, "cut off by the test"));
    else
      work();
  }

  template <class Reply, class Work>
  void pass_name(Reply& reply, Work work) {
    if (knows_no_names)
      reply(make_error(errc::store_unavailable, "names are kept back by the test"));
    else
      pass(reply, std::move(work));
  }

  shared_rows& rows_;
};

} // namespace footfall::test
