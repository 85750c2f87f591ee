/// What the embedded log and store cost, beside a plain program that inserts the
/// same rows into one SQLite table: `store_bench [rows] [random|ordered] [plain]`
/// (plain: that program alone).
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <future>
#include <random>

#include <sqlite3.h>

#include "actors/model/event_key.hpp"
#include "db/sqlite/sqlite_log.hpp"
#include "db/sqlite/sqlite_store.hpp"

using namespace footfall;

namespace {

constexpr int64_t start_us = 1'735'689'600'000'000;

/// CPU time of all threads and wall time, for one measured stretch.
class stretch {
public:
  stretch() : cpu_(cpu()), wall_(wall()) {}
  void print(const char* name, double rows) const {
    const double spent = cpu() - cpu_;
    const double passed = wall() - wall_;
    std::printf("%-44s %9.0f rows/s  %7.2f us CPU/row\n", name, rows / passed, spent * 1e6 / rows);
    std::fflush(stdout);
  }

private:
  static double seconds(clockid_t clock) {
    timespec t{};
    clock_gettime(clock, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
  }
  static double cpu() { return seconds(CLOCK_PROCESS_CPUTIME_ID); }
  static double wall() { return seconds(CLOCK_MONOTONIC); }
  double cpu_;
  double wall_;
};

class folder {
public:
  folder() {
    auto pattern = (std::filesystem::temp_directory_path() / "footfall-bench-XXXXXX").string();
    if (!::mkdtemp(pattern.data()))
      std::exit(1);
    path = pattern;
  }
  ~folder() { std::filesystem::remove_all(path); }
  double bytes() const {
    double out = 0;
    for (const auto& x : std::filesystem::directory_iterator(path))
      out += static_cast<double>(x.file_size());
    return out;
  }
  std::string path;
};

/// Events of 1,500 Zipf pages and 100,000 users, at 50,000 a second.
class generator {
public:
  explicit generator(bool ordered) : ordered_(ordered) {
    double sum = 0;
    for (int i = 1; i <= 1'500; ++i)
      zipf_.push_back(sum += 1.0 / i);
    for (auto& x : zipf_)
      x /= sum;
  }

  event_row next(int64_t offset) {
    event_row out;
    out.offset = offset;
    out.at_us = start_us + 20 * made_++;
    out.received_at_us = out.at_us + 20'000;
    uint64_t high = random_();
    const uint64_t low = random_();
    if (ordered_)
      high = static_cast<uint64_t>(out.at_us / 1'000) << 16 | (high & 0xffff);
    for (size_t i = 0; i < 8; ++i) {
      out.key[i] = static_cast<uint8_t>(high >> (56 - 8 * i));
      out.key[8 + i] = static_cast<uint8_t>(low >> (56 - 8 * i));
    }
    out.key_is_id = true;
    out.event_id = model::uuid_text(out.key);
    out.site_id = "default";
    const double x = static_cast<double>(random_() >> 11) * 0x1p-53;
    page_no = static_cast<int>(std::lower_bound(zipf_.begin(), zipf_.end(), x) - zipf_.begin());
    user_no = static_cast<int>(random_() % 100'000);
    out.page_url = "/articles/2025/some-page-of-the-site-" + std::to_string(page_no);
    out.user_id = "visitor-" + std::to_string(user_no);
    out.event_type = random_() % 4 == 0 ? "view" : "click";
    out.payload_hash = model::payload_hash(out.user_id, out.event_type, out.page_url);
    return out;
  }

  int page_no = 0;
  int user_no = 0;

private:
  const bool ordered_;
  std::vector<double> zipf_;
  std::mt19937_64 random_{42};
  int64_t made_ = 0;
};

template <class T>
T wait(std::future<T> x) {
  return x.get();
}

void bench_log(size_t rows_of_commit, size_t commits) {
  folder here;
  sqlite_log::config settings;
  settings.folder = here.path;
  auto log = sqlite_log::open(settings);
  const std::string value(120, 'x');
  char name[64];
  std::snprintf(name, sizeof name, "log append, %zu rows a commit", rows_of_commit);
  stretch measured;
  for (size_t i = 0; i < commits; ++i) {
    std::vector<log_record> batch(rows_of_commit);
    for (size_t k = 0; k < rows_of_commit; ++k)
      batch[k] = {static_cast<uint32_t>(k % 4), {}, value};
    std::promise<void> done;
    (*log)->append(std::move(batch), [&](auto) { done.set_value(); });
    done.get_future().wait();
  }
  measured.print(name, static_cast<double>(rows_of_commit * commits));
}

/// A store with four partitions that are filled in turn.
class partitions {
public:
  explicit partitions(store& db) : db_(db) {
    for (uint32_t p = 0; p < 4; ++p) {
      std::promise<int64_t> epoch;
      db_.claim(p, [&](auto x) { epoch.set_value(x->epoch); });
      slices_[p].epoch = wait(epoch.get_future());
    }
  }

  apply_request make_batch(generator& made, size_t rows) {
    const auto p = static_cast<uint32_t>(made_++ % 4);
    auto& x = slices_[p];
    apply_request batch{p, x.epoch, x.next, x.next, {}, {}, {}};
    for (size_t i = 0; i < rows; ++i)
      batch.rows.push_back(made.next(batch.next_offset++));
    x.next = batch.next_offset;
    return batch;
  }

  void apply(apply_request batch) {
    const auto rows = batch.rows.size();
    std::promise<size_t> fresh;
    db_.apply(std::move(batch), [&](auto x) { fresh.set_value(x->fresh.size()); });
    if (wait(fresh.get_future()) != rows)
      std::puts("some rows were not fresh");
  }

  /// Everything that is applied.
  void fold() {
    std::promise<std::vector<partition_state>> progress;
    db_.progress([&](auto all) { progress.set_value(std::move(*all)); });
    for (const auto& x : wait(progress.get_future())) {
      if (x.next_offset == x.folded_offset)
        continue;
      std::promise<bool> moved;
      db_.fold(x.partition, x.folded_offset, x.next_offset,
               [&](auto folded) { moved.set_value(folded->moved); });
      if (!wait(moved.get_future()))
        std::puts("a fold did not move");
    }
  }

private:
  struct slice {
    int64_t epoch = 0;
    int64_t next = 0;
  };
  store& db_;
  slice slices_[4];
  size_t made_ = 0;
};

/// Applies `rows` in five steps, one line each; folds every 20,000 rows.
void bench_store(size_t rows_of_batch, size_t rows, bool ordered) {
  folder here;
  sqlite_store::config settings;
  settings.folder = here.path;
  auto opened = sqlite_store::open(settings);
  partitions to{**opened};
  generator made{ordered};
  const size_t steps = 5;
  for (size_t step = 0; step < steps; ++step) {
    std::vector<apply_request> batches;
    for (size_t n = 0; n < rows / steps; n += rows_of_batch)
      batches.push_back(to.make_batch(made, rows_of_batch));
    char name[96];
    std::snprintf(name, sizeof name, "apply+fold, batch %zu, %s ids, to %zu rows", rows_of_batch,
                  ordered ? "ordered" : "random", (step + 1) * rows / steps);
    stretch measured;
    size_t since_fold = 0;
    for (auto& batch : batches) {
      since_fold += rows_of_batch;
      to.apply(std::move(batch));
      if (since_fold >= 20'000) {
        to.fold();
        since_fold = 0;
      }
    }
    to.fold();
    measured.print(name, static_cast<double>(rows) / steps);
  }
  std::promise<size_t> audited;
  (*opened)->audit([&](auto x) { audited.set_value(x ? x->size() : 999); });
  std::printf("audit: %zu differences\n", wait(audited.get_future()));
  opened = make_error(errc::none, "closed");
  std::printf("disk: %.1f bytes a row\n", here.bytes() / static_cast<double>(rows));
}

void check(int result, sqlite3* db) {
  if (result == SQLITE_OK || result == SQLITE_DONE)
    return;
  std::printf("sqlite: %s\n", sqlite3_errmsg(db));
  std::exit(1);
}

/// The yardstick: what a short program by hand would do, and nothing more.
void bench_plain(size_t rows, bool ordered) {
  folder here;
  sqlite3* db = nullptr;
  check(sqlite3_open((here.path + "/plain.db").c_str(), &db), db);
  auto run = [&](const char* sql) { check(sqlite3_exec(db, sql, nullptr, nullptr, nullptr), db); };
  run("PRAGMA journal_mode=WAL");
  run("PRAGMA synchronous=FULL");
  run("CREATE TABLE clicks (id BLOB PRIMARY KEY, page INTEGER, user INTEGER, at INTEGER)");
  sqlite3_stmt* insert = nullptr;
  check(sqlite3_prepare_v2(db, "INSERT INTO clicks VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", -1,
                           &insert, nullptr),
        db);
  generator made{ordered};
  const size_t steps = 5;
  for (size_t step = 0; step < steps; ++step) {
    std::vector<std::pair<event_row, std::pair<int, int>>> all;
    for (size_t i = 0; i < rows / steps; ++i) {
      auto row = made.next(0);
      all.push_back({std::move(row), {made.page_no, made.user_no}});
    }
    stretch measured;
    for (size_t i = 0; i < all.size(); ++i) {
      if (i % 5'000 == 0)
        run("BEGIN");
      const auto& [row, numbers] = all[i];
      sqlite3_bind_blob(insert, 1, row.key.data(), 16, SQLITE_STATIC);
      sqlite3_bind_int(insert, 2, numbers.first);
      sqlite3_bind_int(insert, 3, numbers.second);
      sqlite3_bind_int64(insert, 4, row.at_us);
      check(sqlite3_step(insert), db);
      sqlite3_reset(insert);
      if (i % 5'000 == 4'999 || i + 1 == all.size())
        run("COMMIT");
    }
    char name[96];
    std::snprintf(name, sizeof name, "yardstick: one table, %s ids, to %zu rows",
                  ordered ? "ordered" : "random", (step + 1) * rows / steps);
    measured.print(name, static_cast<double>(rows) / steps);
  }
  sqlite3_finalize(insert);
  sqlite3_close(db);
}

} // namespace

int main(int count, char** words) {
  const size_t rows = count > 1 ? std::strtoull(words[1], nullptr, 10) : 1'000'000;
  const bool ordered = count > 2 && std::string_view{words[2]} == "ordered";
  if (count > 3 && std::string_view{words[3]} == "plain") {
    bench_plain(rows, ordered);
    return 0;
  }
  bench_log(1, 2'000);
  bench_log(10, 2'000);
  bench_log(100, 1'000);
  bench_log(1'000, 300);
  bench_plain(rows, ordered);
  bench_store(1'000, rows, ordered);
  bench_store(5'000, rows, ordered);
}
