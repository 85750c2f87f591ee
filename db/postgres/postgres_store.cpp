#include "db/postgres/postgres_store.hpp"

#include "db/postgres/apply_job.hpp"
#include "db/postgres/bad_events.hpp"
#include "db/postgres/counts.hpp"
#include "db/postgres/fold.hpp"
#include "db/postgres/lane.hpp"
#include "db/postgres/lists.hpp"
#include "db/postgres/migrations.hpp"
#include "db/postgres/node_leases.hpp"
#include "db/postgres/session_check.hpp"

namespace footfall {

using namespace postgres;

namespace {

/// Few, so that the batches of many partitions become one statement; and more than one,
/// so that work goes on while a commit is written.
constexpr size_t writers = 2;
constexpr size_t readers = 2;
/// So that a beat need not wait for those before it, whose packets may be lost.
constexpr size_t beaters = 3;
constexpr uint32_t partitions_max = 1024;

/// Partitions beyond what a position can hold are refused before anything is done.
caf::error check_partition(uint32_t partition) {
  if (partition < partitions_max)
    return caf::none;
  return make_error(errc::invalid_argument,
                    "the store takes partitions below " + std::to_string(partitions_max));
}

} // namespace

struct postgres_store::parts {
  /// A partition's batches wait here in order.
  struct write_lane {
    write_lane(size_t waiting_max, known_generation& now) : queue(waiting_max), work(now) {}
    job_queue queue;
    writer work;
  };

  parts(postgres_config given, opened found)
      : config(std::move(given)), database(std::move(found)), now(config.topic, database.now),
        past(now, database.identity, database.server_no), folds(config.waiting_max),
        reads(config.waiting_max), lists(config.waiting_max), audits(config.waiting_max),
        beats(config.waiting_max), nodes(config.topic, beats, [this](uint32_t x) -> job_queue& {
          return writes_of(x).queue;
        }) {
    for (size_t i = 0; i < writers; ++i) {
      writes.push_back(std::make_unique<write_lane>(config.waiting_max, now));
      start(writes.back()->queue, writer::session());
    }
    start(folds, fold_session());
    for (size_t i = 0; i < readers; ++i)
      start(reads, read_session(), i == 0 ? keep::always : keep::when_used);
    start(lists, read_session());
    start(audits, "");
    for (size_t i = 0; i < beaters; ++i)
      start(beats, node_leases::session(), keep::from_first_use);
  }

  ~parts() {
    std::deque<std::unique_ptr<job>> left;
    auto close = [&left](job_queue& queue) {
      for (auto& x : queue.close())
        left.push_back(std::move(x));
    };
    for (auto& x : writes)
      close(x->queue);
    for (auto* queue : {&folds, &reads, &lists, &audits, &beats})
      close(*queue);
    stop.raise();
    for (auto& x : lanes)
      x->join();
    for (auto& x : left)
      x->fail(make_error(errc::shutting_down, "the store is closing"));
  }

  void start(job_queue& queue, const char* session, keep connected = keep::when_used) {
    lanes.push_back(std::make_unique<lane>(queue, config.url, session, stop, past, connected));
  }

  write_lane& writes_of(uint32_t partition) { return *writes[partition % writes.size()]; }

  const postgres_config config;
  const opened database;
  known_generation now;
  incarnations past;
  stop_signal stop;
  std::vector<std::unique_ptr<write_lane>> writes;
  job_queue folds;
  job_queue reads; ///< Counts, pages and what belongs to them.
  job_queue lists; ///< What may look at a whole site, or page.
  job_queue audits;
  job_queue beats;
  node_leases nodes;
  std::vector<std::unique_ptr<lane>> lanes;
};

caf::error postgres_store::bring_schema_up(const std::string& url) {
  stop_signal never;
  connection to{url, "", never};
  return postgres::bring_schema_up(to);
}

int postgres_store::schema_version() {
  return postgres::newest_schema();
}

caf::expected<std::unique_ptr<store>> postgres_store::open(postgres_config config) {
  stop_signal never;
  auto judged = [](const caf::error& why) {
    return only_a_person_mends(why) ? make_error(errc::invalid_argument, text_of(why)) : why;
  };
  if (auto err = check_session(servers_of(config.url), never))
    return judged(err);
  connection c{config.url, "", never};
  auto found = open_database(c, config.topic);
  if (!found)
    return judged(found.error());
  auto made = std::make_unique<parts>(std::move(config), std::move(*found));
  return std::unique_ptr<store>{new postgres_store(std::move(made))};
}

postgres_store::postgres_store(std::unique_ptr<parts> x) : parts_(std::move(x)) {}

postgres_store::~postgres_store() = default;

uint64_t postgres_store::incarnation() const {
  return parts_->past.current();
}

void postgres_store::on_renewal(renewal tell) {
  parts_->past.on_renewal(std::move(tell));
}

const std::string& postgres_store::identity() const {
  return parts_->database.identity;
}

std::string postgres_store::health() const {
  for (const auto& x : parts_->lanes)
    if (auto why = x->health(); !why.empty())
      return why;
  return {};
}

void postgres_store::claim(uint32_t partition, done<partition_claim> reply) {
  claim(partition, std::nullopt, std::move(reply));
}

void postgres_store::claim(lease_claim by, done<partition_claim> reply) {
  const auto partition = by.partition;
  claim(partition, std::move(by), std::move(reply));
}

leases& postgres_store::nodes() {
  return parts_->nodes;
}

// A claim with a lease is sent once: whether an earlier try was granted would not be known.
void postgres_store::claim(uint32_t partition, std::optional<lease_claim> by,
                           done<partition_claim> reply) {
  const bool again = !by;
  if (auto err = check_partition(partition))
    return reply(std::move(err));
  auto& to = parts_->writes_of(partition);
  auto work = [&to, &past = parts_->past, partition, by = std::move(by)](connection& c) {
    auto out = to.work.claim(c, partition, past.epoch_of(partition), by ? &*by : nullptr);
    if (out && out->granted)
      past.claimed(c, partition, *out);
    return out;
  };
  auto answer = [this, partition, reply = std::move(reply)](caf::expected<partition_claim> x) {
    if (x && x->generation > 1)
      fold_older(partition);
    reply(std::move(x));
  };
  to.queue.push(std::make_unique<call<partition_claim>>(work, std::move(answer), again), "claim");
}

void postgres_store::fold_older(uint32_t partition) {
  auto work = [this, partition](connection& c) -> caf::expected<bool> {
    postgres::fold_older(c, parts_->now.get(), parts_->config.topic, partition);
    return true;
  };
  auto nobody_waits = [](caf::expected<bool>) {};
  parts_->folds.push(std::make_unique<call<bool>>(work, nobody_waits, false), "fold");
}

void postgres_store::adopt(uint32_t partition, int64_t epoch, std::string log_id,
                           done<bool> reply) {
  auto& to = parts_->writes_of(partition);
  auto work = [&to, partition, epoch, log_id = std::move(log_id)](connection& c) {
    return to.work.adopt(c, partition, epoch, log_id);
  };
  to.queue.push(std::make_unique<call<bool>>(work, std::move(reply), true), "adopt");
}

void postgres_store::begin_generation(std::vector<int64_t> starts, std::string log_id,
                                      done<uint32_t> reply) {
  auto work = [this, starts = std::move(starts), log_id = std::move(log_id)](connection& c) {
    auto out = postgres::begin_generation(c, parts_->now, starts, log_id);
    if (out) // Its offsets are lower, and no loss.
      parts_->past.begin_anew("a new generation of the log began");
    return out;
  };
  parts_->writes_of(0).queue.push(std::make_unique<call<uint32_t>>(work, std::move(reply), false),
                                  "new generation");
}

void postgres_store::apply(apply_request batch, done<apply_result> reply) {
  if (auto err = check_partition(batch.partition))
    return reply(std::move(err));
  if (batch.next_offset < batch.first_offset)
    return reply(make_error(errc::invalid_argument, "the batch ends before it begins"));
  auto& to = parts_->writes_of(batch.partition);
  to.queue.push(
      std::make_unique<apply_job>(to.work, parts_->past, std::move(batch), std::move(reply)),
      "apply");
}

void postgres_store::fold(uint32_t partition, int64_t from, int64_t until,
                          done<fold_result> reply) {
  auto work = [this, partition, from, until](connection& c) {
    const auto now = parts_->now.get();
    auto out = postgres::fold(c, now.topic, now.topic_no, partition, from, until);
    if (out && out->moved)
      parts_->past.folded(c, partition, until);
    return out;
  };
  parts_->folds.push(std::make_unique<call<fold_result>>(work, std::move(reply), false), "fold");
}

void postgres_store::read_counts(std::vector<pair_key> keys, done<snapshot<pair_count>> reply) {
  parts_->reads.push(
      std::make_unique<counts_job>(parts_->config.topic, std::move(keys), std::move(reply)),
      "read");
}

template <class T, class Work>
void postgres_store::read(done<T> reply, Work work) {
  parts_->reads.push(std::make_unique<call<T>>(std::move(work), std::move(reply), true), "read");
}

template <class T, class Work>
void postgres_store::list(done<T> reply, Work work) {
  parts_->lists.push(std::make_unique<call<T>>(std::move(work), std::move(reply), true), "list");
}

void postgres_store::load_pages(std::vector<page_key> keys, int32_t first_minute,
                                uint32_t users_max, done<snapshot<page_load>> reply) {
  read<snapshot<page_load>>(
      std::move(reply), [this, keys = std::move(keys), first_minute, users_max](connection& c) {
        return postgres::load_pages(c, parts_->config.topic, keys, first_minute, users_max);
      });
}

void postgres_store::top_pages(std::string site_id, int64_t from_us, int64_t to_us, uint32_t limit,
                               done<snapshot<named_count>> reply) {
  list<snapshot<named_count>>(
      std::move(reply), [this, site_id = std::move(site_id), from_us, to_us, limit](connection& c) {
        return postgres::top_pages(c, parts_->config.topic, site_id, from_us, to_us, limit);
      });
}

void postgres_store::minutes(page_key key, int64_t from_us, int64_t to_us,
                             done<snapshot<series_point>> reply) {
  list<snapshot<series_point>>(
      std::move(reply), [this, key = std::move(key), from_us, to_us](connection& c) {
        return postgres::minutes(c, parts_->config.topic, key, from_us, to_us);
      });
}

void postgres_store::top_users(page_key key, uint32_t limit, done<snapshot<named_count>> reply) {
  list<snapshot<named_count>>(std::move(reply), [this, key = std::move(key), limit](connection& c) {
    return postgres::top_users(c, parts_->config.topic, key, limit);
  });
}

void postgres_store::user_names(std::string /*site_id*/, std::vector<int32_t> numbers,
                                done<snapshot<std::string>> reply) {
  list<snapshot<std::string>>(std::move(reply), [numbers = std::move(numbers)](connection& c) {
    return postgres::user_names(c, numbers);
  });
}

void postgres_store::type_names(std::string /*site_id*/, std::vector<int32_t> numbers,
                                done<snapshot<std::string>> reply) {
  read<snapshot<std::string>>(std::move(reply), [numbers = std::move(numbers)](connection& c) {
    return postgres::type_names(c, numbers);
  });
}

void postgres_store::audit(done<std::vector<audit_difference>> reply) {
  using rows = std::vector<audit_difference>;
  auto work = [](connection& c) { return postgres::audit(c); };
  parts_->audits.push(std::make_unique<call<rows>>(work, std::move(reply), true), "audit");
}

void postgres_store::audit_page(page_key key, done<page_recount> reply) {
  auto work = [key = std::move(key)](connection& c) { return postgres::audit_page(c, key); };
  parts_->audits.push(std::make_unique<call<page_recount>>(work, std::move(reply), true), "audit");
}

void postgres_store::progress(done<std::vector<partition_state>> reply) {
  read<std::vector<partition_state>>(std::move(reply), [this](connection& c) {
    return postgres::progress(c, parts_->config.topic);
  });
}

void postgres_store::bad_events(bad_events_ask ask, done<bad_event_page> reply) {
  list<bad_event_page>(std::move(reply), [this, ask](connection& c) {
    return postgres::bad_events(c, parts_->config.topic, ask);
  });
}

void postgres_store::mark_redriven(std::vector<redriven> rows, done<uint64_t> reply) {
  auto work = [this, rows = std::move(rows)](connection& c) {
    return postgres::mark_redriven(c, parts_->config.topic, rows);
  };
  parts_->writes_of(0).queue.push(std::make_unique<call<uint64_t>>(work, std::move(reply), true),
                                  "mark");
}

} // namespace footfall
