/// What PostgreSQL itself spends on an event: Footfall's apply + fold, the same in
/// one statement over text keys (as in the yardstick below), and the naive way
/// of one INSERT and one UPSERT per event. Same rows, same server, one run.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include <libpq-fe.h>
#include <unistd.h>

#include "actors/model/event_key.hpp"
#include "bench/postgres_text.hpp"
#include "db/postgres/binary.hpp"
#include "db/postgres/connection.hpp"
#include "db/postgres/postgres_store.hpp"

namespace footfall::bench {

namespace {

using postgres::array;
using postgres::connection;
using postgres::parameters;
using postgres::result;
using steady = std::chrono::steady_clock;

[[noreturn]] void fail(const std::string& why) {
  std::fprintf(stderr, "postgres_bench: %s\n", why.c_str());
  std::exit(1);
}

/// CPU seconds of the server: its postmaster, all its children, and those that ended.
class server_cpu {
public:
  explicit server_cpu(const std::string& postmaster) : postmaster_(postmaster) {}

  double seconds() const {
    long ticks = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      const auto pid = entry.path().filename().string();
      if (pid.find_first_not_of("0123456789") != std::string::npos)
        continue;
      std::ifstream file(entry.path() / "stat");
      std::string text((std::istreambuf_iterator<char>(file)), {});
      const auto close = text.rfind(')');
      if (close == std::string::npos)
        continue;
      std::istringstream fields(text.substr(close + 2));
      std::string state, parent, skip;
      fields >> state >> parent;
      if (pid != postmaster_ && parent != postmaster_)
        continue;
      for (int i = 0; i < 9; ++i)
        fields >> skip;
      long user = 0, system = 0, user_ended = 0, system_ended = 0;
      fields >> user >> system >> user_ended >> system_ended;
      ticks += user + system + (pid == postmaster_ ? user_ended + system_ended : 0);
    }
    return static_cast<double>(ticks) / static_cast<double>(sysconf(_SC_CLK_TCK));
  }

private:
  std::string postmaster_;
};

/// Random clicks: pages and users as they are on a busy site, ids at random or in
/// the order of time.
class clicks {
public:
  explicit clicks(bool ordered) : ordered_(ordered) {}

  std::vector<event_row> next(size_t n) {
    std::vector<event_row> out(n);
    for (auto& x : out) {
      x.offset = offset_++;
      x.at_us = 1'735'689'600'000'000 + x.offset * 500;
      x.received_at_us = x.at_us + 1000;
      x.site_id = "default";
      x.event_id = ordered_ ? model::uuid7(x.at_us / 1000, random_(), random_()) : random_uuid();
      const auto key = model::event_key_of(x.event_id);
      x.key = key.bytes;
      x.key_is_id = key.is_id;
      // A square of an even number: few pages get most clicks.
      const double where = std::uniform_real_distribution<>{}(random_);
      x.page_url = "/articles/" + std::to_string(static_cast<int>(where * where * 2000)) + "/read";
      x.user_id = "visitor-" + std::to_string(random_() % 50'000);
      x.event_type = random_() % 3 == 0 ? "view" : "click";
      x.payload_hash = model::payload_hash(x.user_id, x.event_type, x.page_url);
    }
    return out;
  }

private:
  std::string random_uuid() {
    std::array<uint8_t, 16> bytes;
    for (auto& x : bytes)
      x = static_cast<uint8_t>(random_());
    return model::uuid_text(bytes);
  }

  bool ordered_;
  std::mt19937_64 random_{42};
  int64_t offset_ = 0;
};

template <class T, class Call>
T ask(Call call) {
  std::promise<caf::expected<T>> reply;
  call([&](caf::expected<T> x) { reply.set_value(std::move(x)); });
  auto out = reply.get_future().get();
  if (!out)
    fail(text_of(out.error()));
  return std::move(*out);
}

/// Footfall's own: apply in batches, fold every 50,000 rows.
class footfall_way {
public:
  explicit footfall_way(const std::string& url) {
    postgres_config settings;
    settings.url = url;
    auto opened = postgres_store::open(settings);
    if (!opened)
      fail(text_of(opened.error()));
    db_ = std::move(*opened);
    epoch_ = ask<partition_claim>([&](auto done) { db_->claim(0, done); }).epoch;
  }
  void add(const std::vector<event_row>& rows) {
    const auto next = rows.back().offset + 1;
    auto done = ask<apply_result>([&](auto reply) {
      db_->apply({0, epoch_, rows.front().offset, next, rows, {}, {}, 0}, reply);
    });
    if (!done.moved || done.fresh.size() != rows.size())
      fail("a batch was not applied");
    if (next - folded_ >= 50'000)
      finish(next);
  }
  void finish(int64_t until) {
    ask<fold_result>([&](auto reply) { db_->fold(0, folded_, until, reply); });
    folded_ = until;
  }

private:
  std::unique_ptr<store> db_;
  int64_t epoch_ = 0;
  int64_t folded_ = 0;
};

/// The yardsticks, over text tables.
class text_way {
public:
  // Planned for each call, as the reference binds it: a generic plan is far worse.
  text_way(const std::string& url, bool naive)
      : c_(url, naive ? "" : "SET plan_cache_mode = force_custom_plan", stop_), naive_(naive) {
    if (auto err = c_.ensure())
      fail(text_of(err));
    check(c_.exec(text_schema));
  }
  void add(const std::vector<event_row>& rows) {
    if (naive_)
      for (const auto& x : rows)
        add_one(x);
    else
      add_batch(rows);
  }
  void finish(int64_t) {}

private:
  static void check(const result& x) {
    if (!x.ok())
      fail(x.text);
  }
  void add_one(const event_row& x) {
    parameters event, count;
    for (const auto* text : {&x.site_id, &x.event_id, &x.user_id, &x.event_type, &x.page_url})
      event.add_text(*text);
    event.add_int8(x.at_us - postgres::epoch_us);
    for (const auto* text : {&x.site_id, &x.page_url, &x.user_id})
      count.add_text(*text);
    check(c_.run(naive_insert, event));
    check(c_.run(naive_upsert, count));
  }
  void add_batch(const std::vector<event_row>& rows) {
    const auto n = rows.size();
    array sites{array::text, n}, ids{array::text, n}, users{array::text, n}, types{array::text, n},
        pages{array::text, n}, buckets{array::timestamptz, n}, received{array::timestamptz, n},
        hashes{array::bytea, n}, offsets{array::int8, 0}, times{array::timestamptz, 0},
        bad_sites{array::text, 0}, reasons{array::text, 0}, raws{array::bytea, 0};
    for (const auto& x : rows) {
      sites.add_bytes(x.site_id);
      ids.add_bytes(x.event_id);
      users.add_bytes(x.user_id);
      types.add_bytes(x.event_type);
      pages.add_bytes(x.page_url);
      buckets.add_time(x.at_us / 60'000'000 * 60'000'000);
      received.add_time(x.received_at_us);
      hashes.add_bytes({reinterpret_cast<const char*>(&x.payload_hash), 4});
    }
    const std::string topic = "clicks";
    parameters values;
    values.add_text(topic);
    values.add_int4(0);
    values.add_int8(1);
    values.add_int8(rows.front().offset);
    values.add_int8(rows.back().offset + 1);
    for (const auto* x : {&sites, &ids, &users, &types, &pages, &buckets, &received, &hashes,
                          &offsets, &times, &bad_sites, &reasons, &raws})
      values.add_array(*x);
    auto done = c_.run(text_apply, values, std::chrono::minutes(2));
    check(done);
    if (done.rows() == 0)
      fail("a batch of the text statement was not applied");
  }

  postgres::stop_signal stop_;
  connection c_;
  bool naive_;
};

struct figures {
  double cpu_us = 0;
  double rate = 0;
};

template <class Way>
figures measure(Way& way, const server_cpu& cpu, clicks& from, size_t batch, size_t rows) {
  std::vector<std::vector<event_row>> batches;
  for (size_t done = 0; done < rows; done += batch)
    batches.push_back(from.next(batch));
  const auto cpu_before = cpu.seconds();
  const auto before = steady::now();
  for (const auto& x : batches)
    way.add(x);
  way.finish(batches.back().back().offset + 1);
  const std::chrono::duration<double> took = steady::now() - before;
  const auto n = static_cast<double>(batches.size() * batch);
  return {(cpu.seconds() - cpu_before) * 1e6 / n, n / took.count()};
}

struct scratch {
  scratch(connection& admin, const std::string& url) : admin_(admin) {
    static int made = 0;
    name = "footfall_bench_" + std::to_string(getpid()) + "_" + std::to_string(++made);
    if (!admin.exec("CREATE DATABASE " + name + " TEMPLATE template0 ENCODING 'UTF8'").ok())
      fail("cannot create a database");
    const auto end = url.find('?');
    const auto slash = url.rfind('/', end);
    this->url = url.substr(0, slash + 1) + name + (end == std::string::npos ? "" : url.substr(end));
  }
  ~scratch() { admin_.exec("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)"); }
  connection& admin_;
  std::string name;
  std::string url;
};

template <class Way>
void preload(Way& way, clicks& from, size_t rows) {
  for (size_t done = 0; done < rows; done += 5000)
    way.add(from.next(5000));
}

void run(const std::string& url, size_t there, size_t rows, bool ordered) {
  postgres::stop_signal never;
  connection admin{url, "", never};
  if (auto err = admin.ensure())
    fail(text_of(err));
  constexpr postgres::statement postmaster{
      "postmaster", "SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)"};
  const server_cpu cpu{std::string(admin.run(postmaster, {}).bytes(0, 0))};
  scratch ours{admin, url}, theirs{admin, url}, naive{admin, url};
  footfall_way a{ours.url};
  text_way b{theirs.url, false}, c{naive.url, true};
  clicks for_a{ordered}, for_b{ordered}, for_c{ordered};
  preload(a, for_a, there);
  preload(b, for_b, there);
  std::printf("%zu rows there, %s ids; PostgreSQL CPU us/event (events/s)\n", there,
              ordered ? "time-ordered" : "random");
  const auto one = measure(c, cpu, for_c, 1, std::min<size_t>(rows, 3000));
  std::printf("  naive, one by one     %8.1f (%.0f)\n", one.cpu_us, one.rate);
  for (const size_t batch : {size_t{1000}, size_t{5000}}) {
    const auto compact = measure(a, cpu, for_a, batch, rows);
    const auto text = measure(b, cpu, for_b, batch, rows);
    std::printf("  batch %4zu: footfall   %8.1f (%.0f)\n", batch, compact.cpu_us, compact.rate);
    std::printf("              text keys  %8.1f (%.0f)\n", text.cpu_us, text.rate);
    std::printf(
        "              footfall / text %.2f of the CPU; footfall / naive %.1f of the rate\n",
        compact.cpu_us / text.cpu_us, compact.rate / one.rate);
    std::fflush(stdout);
  }
}

} // namespace

} // namespace footfall::bench

/// usage: postgres_bench [rows there] [rows measured] [random|ordered]
int main(int argc, char** argv) {
  const char* url = std::getenv("FOOTFALL_TEST_POSTGRES");
  if (!url || !*url)
    footfall::bench::fail(
        "FOOTFALL_TEST_POSTGRES is not set: postgresql://USER@HOST:PORT/DATABASE");
  const size_t there = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 0;
  const size_t rows = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 100'000;
  footfall::bench::run(url, there, rows, argc > 3 && std::string(argv[3]) == "ordered");
}
