#include "db/sqlite/sqlite_store.hpp"

#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <thread>

#include <sqlite3.h>

#include "db/sqlite/call_queue.hpp"
#include "db/sqlite/migrate.hpp"
#include "db/sqlite/position_key.hpp"
#include "db/sqlite/read_lane.hpp"
#include "db/sqlite/store_audit.hpp"
#include "db/sqlite/store_call.hpp"
#include "db/sqlite/store_writer.hpp"
#include "db/sqlite/write_turn.hpp"
#include "proto/failpoint.hpp"

namespace footfall {

namespace {

constexpr std::chrono::seconds idle_before_checkpoint{1};
constexpr size_t differences_max = 1'000;

using audit_done = store::done<std::vector<audit_difference>>;

} // namespace

struct sqlite_store::impl {
  explicit impl(config x)
      : settings(std::move(x)), file(settings.folder + "/store.db"),
        writes(settings.write_calls_max, settings.write_rows_max),
        audits(settings.audit_calls_max, 0) {}

  void open();
  void close();

  template <class T>
  void write(done<T> reply, std::function<T(sqlite::store_writer&)> work, size_t rows = 0,
             int64_t oldest_us = 0);
  template <class T>
  static void read(std::optional<sqlite::read_lane>& by, done<T> reply,
                   std::function<T(sqlite::store_reader&)> work);

  void write_loop();
  caf::error run_together(std::vector<sqlite::write_call>& calls, size_t from, size_t until);
  void audit_loop();
  caf::error failed(const sqlite::failure& error, bool certain);

  config settings;
  const std::string file;
  std::string identity;
  std::unique_ptr<sqlite::file_lock> lock;
  std::optional<sqlite::connection> writing;
  std::optional<sqlite::connection> auditing;
  std::optional<sqlite::store_writer> writer;
  sqlite::call_queue<sqlite::write_call> writes;
  sqlite::call_queue<audit_done> audits;
  std::atomic<bool> stopping{false};
  mutable std::mutex trouble_lock;
  std::string trouble;
  std::optional<sqlite::read_lane> reads; ///< Counts, pages and what belongs to them.
  std::optional<sqlite::read_lane> lists; ///< What may look at a whole site, or page.
  std::thread write_thread;
  std::thread audit_thread;
};

void sqlite_store::impl::open() {
  std::string why;
  lock = sqlite::file_lock::take(settings.folder + "/store.lock", why);
  if (!lock)
    throw sqlite::failure(SQLITE_BUSY, why);
  sqlite::connection::options how;
  how.application_id = sqlite::store_application_id;
  how.cache_bytes = settings.write_cache_bytes;
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
  writer.emplace(*writing, settings.topic, settings.recent_ids_max);
  how.read_only = true;
  how.cache_bytes = settings.read_cache_bytes;
  auto note = [this](const sqlite::failure& error) { return failed(error, true); };
  for (auto* x : {&reads, &lists})
    x->emplace(file, how, settings.topic, settings.read_calls_max, note);
  how.cache_bytes = 4 << 20;
  auditing.emplace(file, how);
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
}

caf::error sqlite_store::impl::failed(const sqlite::failure& error, bool certain) {
  auto code = sqlite::code_of(error.code(), errc::store_unavailable);
  if (code == errc::disk_full && !certain)
    code = errc::store_unavailable;
  if ((error.code() & 0xff) == SQLITE_CONSTRAINT || (error.code() & 0xff) == SQLITE_MISUSE)
    code = errc::internal;
  const auto text = file + ": " + error.what();
  std::lock_guard guard{trouble_lock};
  trouble = text;
  return make_error(code, text);
}

template <class T>
void sqlite_store::impl::write(done<T> reply, std::function<T(sqlite::store_writer&)> work,
                               size_t rows, int64_t oldest_us) {
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
                          rows, oldest_us};
  using answer = typename decltype(writes)::answer;
  switch (writes.push(call, rows)) {
  case answer::taken: return;
  case answer::closed: return reply(sqlite::closed());
  case answer::full:
    return reply(make_error(errc::overloaded, "too many changes wait for the store"));
  }
}

/// Runs calls in one transaction. @returns none when it was committed.
caf::error sqlite_store::impl::run_together(std::vector<sqlite::write_call>& calls, size_t from,
                                            size_t until) {
  bool committing = false;
  try {
    if (!writing->roll_back())
      throw sqlite::failure(SQLITE_IOERR, "an earlier transaction cannot be ended");
    writing->run("BEGIN IMMEDIATE");
    for (size_t i = from; i < until; ++i)
      calls[i].work(*writer);
    writer->finish();
    committing = true;
    writing->run("COMMIT");
  } catch (const sqlite::failure& error) {
    const bool undone = writing->roll_back();
    writer->rolled_back();
    // A commit that failed while syncing may be in the file after a crash.
    return failed(error, undone && (!committing || (error.code() & 0xff) == SQLITE_FULL));
  }
  writer->committed();
  return caf::none;
}

void sqlite_store::impl::write_loop() {
  std::vector<sqlite::write_call> waiting;
  bool is_checkpointed = true;
  while (!waiting.empty()
         || (is_checkpointed ? writes.take(waiting)
                             : writes.take_for(waiting, idle_before_checkpoint))) {
    if (waiting.empty()) {
      writing->checkpoint();
      is_checkpointed = true;
      continue;
    }
    is_checkpointed = false;
    writes.take_now(waiting); // What came during the last turn may wait longer than the rest.
    auto calls = sqlite::take_turn(waiting, sqlite::turn_rows_max);
    auto error = run_together(calls, 0, calls.size());
    for (size_t i = 0; i < calls.size(); ++i) {
      // One that fails must not take the others with it: each for itself then.
      const auto own = error && calls.size() > 1 ? run_together(calls, i, i + 1) : error;
      if (!own) {
        std::lock_guard guard{trouble_lock};
        trouble.clear();
      }
      calls[i].answer(own);
    }
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
  std::vector<audit_done> calls;
  while (audits.take(calls)) {
    caf::expected<std::vector<audit_difference>> answer{sqlite::closed()};
    if (!stopping) {
      try {
        auditing->roll_back();
        sqlite::store_audit audit{*auditing};
        auto found = audit.run(differences_max, stopping);
        if (!stopping)
          answer = std::move(found);
      } catch (const sqlite::failure& error) {
        auditing->roll_back();
        answer = failed(error, true);
      }
    }
    for (auto& x : calls)
      x(answer);
    calls.clear();
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
  impl_->write<partition_claim>(std::move(reply),
                                [partition](auto& x) { return x.claim(partition); });
}

void sqlite_store::claim(lease_claim by, done<partition_claim> reply) {
  if (by.partition >= sqlite::partitions_max)
    return reply(make_error(errc::invalid_argument, "no such partition"));
  auto answer = [this, by, reply = std::move(reply)](caf::expected<partition_claim> x) {
    if (x && x->granted)
      nodes_.claimed(by, x->epoch);
    reply(std::move(x));
  };
  impl_->write<partition_claim>(std::move(answer), [this, by](auto& x) {
    if (!nodes_.may_claim(by, x.epoch_of(by.partition)))
      return partition_claim::refused();
    return x.claim(by.partition);
  });
}

void sqlite_store::adopt(uint32_t partition, int64_t epoch, std::string log_id, done<bool> reply) {
  impl_->write<bool>(std::move(reply), [=](auto& x) { return x.adopt(partition, epoch, log_id); });
}

void sqlite_store::begin_generation(std::vector<int64_t> starts, std::string log_id,
                                    done<uint32_t> reply) {
  auto answer = [reply = std::move(reply)](caf::expected<uint32_t> x) {
    if (x && *x == 0)
      return reply(
          make_error(errc::overloaded, "the store has had " + std::to_string(generations_max)
                                           + " generations of logs and can tell no more apart"));
    reply(std::move(x));
  };
  impl_->write<uint32_t>(std::move(answer), [starts = std::move(starts), log_id](auto& x) {
    return x.begin_generation(starts, log_id);
  });
}

void sqlite_store::apply(apply_request batch, done<apply_result> reply) {
  if (batch.next_offset < batch.first_offset)
    return reply(make_error(errc::invalid_argument, "the batch ends before it begins"));
  const auto rows = batch.rows.size() + batch.bad.size();
  const auto oldest_us = batch.oldest_us;
  auto shared = std::make_shared<apply_request>(std::move(batch));
  impl_->write<apply_result>(
      sqlite::at_failpoint("apply.after_commit", std::move(reply)),
      [shared](auto& x) { return sqlite::changed("apply.before_commit", x.apply(*shared)); }, rows,
      oldest_us);
}

void sqlite_store::fold(uint32_t partition, int64_t from, int64_t until, done<fold_result> reply) {
  impl_->write<fold_result>(
      sqlite::at_failpoint("fold.after_commit", std::move(reply)), [=](auto& x) {
        return sqlite::changed("fold.before_commit", x.fold(partition, from, until));
      });
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
  using answer = decltype(impl_->audits)::answer;
  switch (impl_->audits.push(reply)) {
  case answer::taken: return;
  case answer::closed: return reply(sqlite::closed());
  case answer::full: return reply(make_error(errc::overloaded, "an audit is under way"));
  }
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
      std::move(reply), [rows](auto& x) { return x.mark_redriven(rows); }, rows.size());
}

const std::string& sqlite_store::identity() const {
  return impl_->identity;
}

std::string sqlite_store::health() const {
  std::lock_guard guard{impl_->trouble_lock};
  return impl_->trouble;
}

} // namespace footfall
