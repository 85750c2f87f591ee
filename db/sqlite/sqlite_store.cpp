#include "db/sqlite/sqlite_store_impl.hpp"

#include <algorithm>

#include <sqlite3.h>

#include "db/sqlite/migrate.hpp"
#include "db/sqlite/position_key.hpp"
#include "db/sqlite/store_call.hpp"
#include "proto/failpoint.hpp"
#include "proto/seeded_bug.hpp"

namespace footfall {

namespace {

constexpr size_t differences_max = 1'000;

} // namespace

void sqlite_store::impl::open() {
  std::string why;
  lock = sqlite::file_lock::take(settings.folder + "/store.lock", why);
  if (!lock)
    throw sqlite::failure(SQLITE_BUSY, why);
  sqlite::connection::options how;
  how.application_id = sqlite::store_application_id;
  how.cache_bytes = settings.write_cache_bytes;
  how.syncs_commits = !settings.log_keeps_rest;
  how.wal_pages = 0; // `checkpoints` makes them.
  how.wal_bytes_kept = sqlite::wal_bytes_usual;
  writing.emplace(file, how);
  sqlite::migrate(*writing, file, sqlite::store_application_id, sqlite_store_schema());
  {
    sqlite::statement put{*writing, "INSERT OR IGNORE INTO core_meta VALUES ('identity', ?)"};
    const auto made = sqlite::random_uuid();
    put.bind_text(1, made).run();
    sqlite::statement get{*writing, "SELECT value FROM core_meta WHERE name = 'identity'"};
    if (get.step())
      identity = get.text(0);
  }
  runs.emplace(settings.folder);
  writer.emplace(*writing, *runs, late, settings.topic,
                 sqlite::event_ids::config{identity, std::max<size_t>(settings.recent_ids_max, 1),
                                           settings.id_hash_bits, settings.report,
                                           [this] { return stopping.load(); }},
                 sqlite::merger::config{settings.merge_rows_min, settings.merge_step_min});
  how.read_only = true;
  how.cache_bytes = settings.read_cache_bytes;
  auto note = [this](const sqlite::failure& error) { return failed(error, true); };
  for (auto* x : {&reads, &lists})
    x->emplace(file, how, settings.topic, late, settings.read_calls_max, note);
  how.cache_bytes = 4 << 20;
  auditing.emplace(file, how);
  how.read_only = false;
  checkpoints.emplace(sqlite::checkpointer::config{
      file,
      how,
      settings.checkpoint_pages,
      [this] {
        synced.begin_sync();
        writer->begin_sync();
      },
      [this] {
        synced.synced();
        writer->synced();
      },
      [this](const sqlite::failure& error) { sync_failed(error); },
  });
  write_thread = std::thread{[this] { write_loop(); }};
  audit_thread = std::thread{[this] { audit_loop(); }};
}

void sqlite_store::impl::close() {
  stopping = true;
  writes.close();
  audits.close();
  for (auto* x : {&reads, &lists})
    if (*x)
      (*x)->close();
  for (auto* x : {&write_thread, &audit_thread})
    if (x->joinable())
      x->join();
  checkpoints.reset();
}

template <class T>
void sqlite_store::impl::write(done<T> reply, std::function<T(sqlite::store_writer&)> work,
                               sqlite::write_weight weight) {
  auto result = std::make_shared<T>();
  sqlite::write_call call{[result, work = std::move(work)](sqlite::store_writer& x) {
                            *result = read_in(only_incarnation, work(x));
                          },
                          [result, reply](const caf::error& error) {
                            if (error)
                              reply(error);
                            else
                              reply(std::move(*result));
                          },
                          weight};
  using answer = typename decltype(writes)::answer;
  switch (writes.push(call, weight.rows)) {
  case answer::taken: return;
  case answer::closed: return reply(sqlite::closed());
  case answer::full:
    return reply(make_error(errc::overloaded, "too many changes wait for the store"));
  }
}

template <class T>
void sqlite_store::impl::read(std::optional<sqlite::read_lane>& by, done<T> reply,
                              std::function<T(sqlite::store_reader&)> work) {
  by->push({[reply, work = std::move(work)](sqlite::store_reader* x, const caf::error& error) {
    if (!x)
      return reply(error);
    reply(read_in(only_incarnation, work(*x)));
  }});
}

void sqlite_store::impl::audit_loop() {
  std::vector<audit_call> calls;
  while (audits.take(calls)) {
    for (auto& x : calls) {
      if (stopping) {
        x(nullptr, sqlite::closed());
        continue;
      }
      try {
        auditing->roll_back();
        sqlite::store_audit audit{*auditing};
        x(&audit, {});
      } catch (const sqlite::failure& error) {
        auditing->roll_back();
        x(nullptr, failed(error, true));
      }
    }
    calls.clear();
  }
}

/// `work` is done on the thread of audits.
template <class T, class Work>
void sqlite_store::impl::audit(done<T> reply, Work work) {
  audit_call call = [this, reply, work](sqlite::store_audit* on, const caf::error& why_not) {
    if (!on)
      return reply(why_not);
    auto found = work(*on);
    if (stopping)
      return reply(sqlite::closed());
    reply(std::move(found));
  };
  using answer = decltype(audits)::answer;
  switch (audits.push(call)) {
  case answer::taken: return;
  case answer::closed: return reply(sqlite::closed());
  case answer::full: return reply(make_error(errc::overloaded, "an audit is under way"));
  }
}

int sqlite_store::schema_version() {
  return static_cast<int>(sqlite_store_schema().back().version);
}

caf::expected<std::unique_ptr<store>> sqlite_store::open(config settings) {
  auto made = std::make_unique<impl>(std::move(settings));
  try {
    made->open();
  } catch (const sqlite::failure& error) {
    std::string text = error.what();
    if (text.find(made->settings.folder) == std::string::npos)
      text = made->file + ": " + text;
    return make_error(sqlite::code_of(error.code(), errc::store_unavailable), text);
  }
  return std::unique_ptr<store>(new sqlite_store(std::move(made)));
}

sqlite_store::sqlite_store(std::unique_ptr<impl> x) : impl_(std::move(x)) {}

sqlite_store::~sqlite_store() {
  impl_->close();
}

void sqlite_store::claim(uint32_t partition, done<partition_claim> reply) {
  if (partition >= sqlite::partitions_max)
    return reply(make_error(errc::invalid_argument, "no such partition"));
  auto answer = [this, partition, reply = std::move(reply)](caf::expected<partition_claim> x) {
    if (x)
      impl_->synced.committed(partition, x->next_offset);
    reply(std::move(x));
  };
  impl_->write<partition_claim>(std::move(answer),
                                [partition](auto& x) { return x.claim(partition); });
}

void sqlite_store::claim(lease_claim by, done<partition_claim> reply) {
  if (by.partition >= sqlite::partitions_max)
    return reply(make_error(errc::invalid_argument, "no such partition"));
  auto answer = [this, by, reply = std::move(reply)](caf::expected<partition_claim> x) {
    if (x && x->granted) {
      nodes_.claimed(by, x->epoch);
      impl_->synced.committed(by.partition, x->next_offset);
    }
    reply(std::move(x));
  };
  impl_->write<partition_claim>(std::move(answer), [this, by](auto& x) {
    if (!nodes_.may_claim(by, x.epoch_of(by.partition)))
      return partition_claim::refused();
    return x.claim(by.partition);
  });
}

void sqlite_store::adopt(uint32_t partition, int64_t epoch, std::string log_id, done<bool> reply) {
  impl_->write<bool>(std::move(reply), [=](auto& x) { return x.adopt(partition, epoch, log_id); },
                     {0, 0, true});
}

void sqlite_store::begin_generation(std::vector<int64_t> starts, std::string log_id,
                                    done<uint32_t> reply) {
  auto answer = [this, reply = std::move(reply)](caf::expected<uint32_t> x) {
    impl_->synced.forget(); // Whatever came of it: then more is kept than need be.
    if (x && *x == 0)
      return reply(
          make_error(errc::overloaded, "the store has had " + std::to_string(generations_max)
                                           + " generations of logs and can tell no more apart"));
    reply(std::move(x));
  };
  impl_->write<uint32_t>(
      std::move(answer),
      [starts = std::move(starts), log_id](auto& x) { return x.begin_generation(starts, log_id); },
      {0, 0, true});
}

void sqlite_store::apply(apply_request batch, done<apply_result> reply) {
  if (batch.next_offset < batch.first_offset)
    return reply(make_error(errc::invalid_argument, "the batch ends before it begins"));
  // What a person gave up stands among the bad events alone.
  const sqlite::write_weight weight{batch.rows.size() + batch.bad.size(), batch.oldest_us,
                                    !batch.bad.empty()};
  auto shared = std::make_shared<apply_request>(std::move(batch));
  auto answer = [this, shared, reply = std::move(reply)](caf::expected<apply_result> x) {
    if (x && x->moved)
      impl_->synced.committed(shared->partition, shared->next_offset);
    reply(std::move(x));
  };
  impl_->write<apply_result>(
      sqlite::at_failpoint("apply.after_commit", done<apply_result>(std::move(answer))),
      [shared](auto& x) { return sqlite::changed("apply.before_commit", x.apply(*shared)); },
      weight);
}

void sqlite_store::fold(uint32_t partition, int64_t from, int64_t until, done<fold_result> reply) {
  sqlite::write_weight weight;
  weight.is_fold = true;
  impl_->write<fold_result>(
      sqlite::at_failpoint("fold.after_commit", std::move(reply)),
      [=](auto& x) {
        return sqlite::changed("fold.before_commit", x.fold(partition, from, until));
      },
      weight);
}

void sqlite_store::read_counts(std::vector<pair_key> keys, done<snapshot<pair_count>> reply) {
  impl::read<snapshot<pair_count>>(impl_->reads, std::move(reply),
                                   [keys = std::move(keys)](auto& x) {
                                     return snapshot<pair_count>{x.reached(), x.counts(keys)};
                                   });
}

void sqlite_store::load_pages(std::vector<page_key> keys, int32_t first_minute, uint32_t users_max,
                              done<snapshot<page_load>> reply) {
  impl::read<snapshot<page_load>>(
      impl_->reads, std::move(reply), [=, keys = std::move(keys)](auto& x) {
        return snapshot<page_load>{x.reached(), x.load(keys, first_minute, users_max)};
      });
}

void sqlite_store::top_pages(std::string site_id, int64_t from_us, int64_t to_us, uint32_t limit,
                             done<snapshot<named_count>> reply) {
  impl::read<snapshot<named_count>>(impl_->lists, std::move(reply), [=](auto& x) {
    return snapshot<named_count>{x.reached(), x.top_pages(site_id, from_us, to_us, limit)};
  });
}

void sqlite_store::minutes(page_key key, int64_t from_us, int64_t to_us,
                           done<snapshot<series_point>> reply) {
  impl::read<snapshot<series_point>>(impl_->lists, std::move(reply), [=](auto& x) {
    return snapshot<series_point>{x.reached(), x.minutes(key, from_us, to_us)};
  });
}

void sqlite_store::top_users(page_key key, uint32_t limit, done<snapshot<named_count>> reply) {
  impl::read<snapshot<named_count>>(impl_->lists, std::move(reply), [=](auto& x) {
    return snapshot<named_count>{x.reached(), x.top_users(key, limit)};
  });
}

void sqlite_store::user_names(std::string /*site_id*/, std::vector<int32_t> numbers,
                              done<snapshot<std::string>> reply) {
  impl::read<snapshot<std::string>>(impl_->lists, std::move(reply),
                                    [numbers = std::move(numbers)](auto& x) {
                                      return snapshot<std::string>{{}, x.user_names(numbers)};
                                    });
}

void sqlite_store::type_names(std::string /*site_id*/, std::vector<int32_t> numbers,
                              done<snapshot<std::string>> reply) {
  impl::read<snapshot<std::string>>(impl_->reads, std::move(reply),
                                    [numbers = std::move(numbers)](auto& x) {
                                      return snapshot<std::string>{{}, x.type_names(numbers)};
                                    });
}

void sqlite_store::audit(done<std::vector<audit_difference>> reply) {
  impl_->audit(std::move(reply), [x = impl_.get()](sqlite::store_audit& on) {
    return on.run(differences_max, x->stopping);
  });
}

void sqlite_store::audit_page(page_key key, done<page_recount> reply) {
  impl_->audit(std::move(reply), [x = impl_.get(), key = std::move(key)](sqlite::store_audit& on) {
    return on.run_page(key, differences_max, x->stopping);
  });
}

void sqlite_store::progress(done<std::vector<partition_state>> reply) {
  impl::read<std::vector<partition_state>>(impl_->reads, std::move(reply),
                                           [](auto& x) { return x.progress(); });
}

void sqlite_store::bad_events(bad_events_ask ask, done<bad_event_page> reply) {
  impl::read<bad_event_page>(impl_->lists, std::move(reply),
                             [ask](auto& x) { return x.bad_events(ask); });
}

void sqlite_store::mark_redriven(std::vector<redriven> rows, done<uint64_t> reply) {
  impl_->write<uint64_t>(
      std::move(reply), [rows](auto& x) { return x.mark_redriven(rows); },
      sqlite::write_weight{rows.size(), 0, true});
}

int64_t sqlite_store::kept_below(uint32_t partition, int64_t applied) const {
  if (seeded_bug("disk-trim-unsynced"))
    return applied;
  return impl_->settings.log_keeps_rest ? std::min(applied, impl_->synced.below(partition))
                                        : applied;
}

const std::string& sqlite_store::identity() const {
  return impl_->identity;
}

std::string sqlite_store::health() const {
  std::lock_guard guard{impl_->trouble_lock};
  for (const auto* x : {&impl_->trouble, &impl_->sync_trouble})
    if (!x->empty())
      return *x;
  if (impl_->merge_trouble.empty())
    return {};
  return impl_->file + ": what is folded cannot be merged: " + impl_->merge_trouble;
}

} // namespace footfall
