/// What the embedded log and store cost, beside a plain program that inserts the
/// same rows into one SQLite table: `store_bench [rows] [random|ordered] [plain]`
/// (plain: that program alone).
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <future>

#include <sqlite3.h>

#include "bench/store_load.hpp"
#include "db/sqlite/sqlite_log.hpp"
#include "db/sqlite/sqlite_store.hpp"

using namespace footfall;
using namespace footfall::bench;

namespace {

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
