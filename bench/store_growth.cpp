/// Whether the embedded store costs the same however much it holds: events in batches, a line for
/// each million with the rate, CPU, what an apply takes, and what is written. `--help` says more.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>

#include <CLI/CLI.hpp>

#include "bench/store_load.hpp"
#include "db/sqlite/sqlite_store.hpp"

using namespace footfall;
using namespace footfall::bench;

namespace {

struct options {
  int64_t rows = 10'000'000;
  int64_t step = 1'000'000;
  int64_t batch = 5'000;
  int64_t fold = 20'000;
  int64_t events_a_second = 50'000;
  uint64_t users = 100'000;
  int pages = 1'500;
  bool ordered = false;
  bool audit = false;
  std::string folder;
};

constexpr int64_t rows_at_once = 100'000; ///< Made before the clock runs.

/// What this process had written to files so far.
double bytes_written() {
  std::ifstream in("/proc/self/io");
  std::string name;
  double value = 0;
  while (in >> name >> value)
    if (name == "write_bytes:")
      return value;
  return 0;
}

double resident_mib() {
  std::ifstream in("/proc/self/statm");
  double pages = 0;
  in >> pages >> pages;
  return pages * 4096 / (1 << 20);
}

double quantile(std::vector<double>& all, double at) {
  std::sort(all.begin(), all.end());
  return all.empty() ? 0
                     : all[std::min(all.size() - 1,
                                    static_cast<size_t>(at * static_cast<double>(all.size())))];
}

struct measured {
  double passed = 0, spent = 0, written = 0;
  std::vector<double> applies_ms, folds_ms;
};

class growth {
public:
  growth(store& db, const options& how)
      : how_(how), to_(db), made_(how.ordered, how.pages, how.events_a_second, how.users) {}

  void some(int64_t rows, measured& out) {
    std::vector<apply_request> batches;
    for (int64_t n = 0; n < rows; n += how_.batch)
      batches.push_back(to_.make_batch(made_, static_cast<size_t>(how_.batch)));
    const auto written = bytes_written();
    const stretch all;
    for (auto& x : batches) {
      const stretch one;
      to_.apply(std::move(x));
      out.applies_ms.push_back(one.passed() * 1e3);
      unfolded_ += how_.batch;
      if (unfolded_ < how_.fold)
        continue;
      const stretch fold;
      to_.fold();
      out.folds_ms.push_back(fold.passed() * 1e3);
      unfolded_ = 0;
    }
    out.passed += all.passed();
    out.spent += all.spent();
    out.written += bytes_written() - written;
  }

private:
  const options how_;
  partitions to_;
  generator made_;
  int64_t unfolded_ = 0;
};

int run(const options& how) {
  std::optional<bench::folder> own;
  auto path = how.folder;
  if (path.empty())
    path = own.emplace().path;
  sqlite_store::config settings;
  settings.folder = path;
  settings.log_keeps_rest = true;
  settings.report = [](const std::string& line) { std::printf("%s\n", line.c_str()); };
  const stretch first;
  auto opened = sqlite_store::open(settings);
  if (!opened) {
    std::fprintf(stderr, "store_growth: %s\n", text_of(opened.error()).c_str());
    return 1;
  }
  std::printf("opened in %.2f s\n", first.passed());
  growth load{**opened, how};
  std::printf("%9s %9s %7s %9s %26s %17s %8s\n", "to rows", "rows/s", "CPU us", "written B",
              "apply p50 / p99 / max ms", "fold p50 / max ms", "RSS MiB");
  for (int64_t at = 0; at < how.rows; at += how.step) {
    measured x;
    for (int64_t n = 0; n < how.step; n += rows_at_once)
      load.some(std::min(rows_at_once, how.step), x);
    const auto rows = static_cast<double>(how.step);
    std::printf("%9lld %9.0f %7.2f %9.0f %8.1f / %6.1f / %6.1f %8.1f / %6.1f %8.0f\n",
                static_cast<long long>(at + how.step), rows / x.passed, x.spent * 1e6 / rows,
                x.written / rows, quantile(x.applies_ms, 0.5), quantile(x.applies_ms, 0.99),
                quantile(x.applies_ms, 1), quantile(x.folds_ms, 0.5), quantile(x.folds_ms, 1),
                resident_mib());
    std::fflush(stdout);
  }
  if (how.audit) {
    const stretch audit;
    std::promise<std::string> found;
    (*opened)->audit([&](auto x) {
      found.set_value(x ? std::to_string(x->size()) + " differences" : text_of(x.error()));
    });
    const auto what = wait(found.get_future());
    std::printf("audit: %s in %.1f s\n", what.c_str(), audit.passed());
  }
  const stretch closing;
  opened = make_error(errc::none, "closed");
  double bytes = 0;
  for (const auto& x : std::filesystem::directory_iterator(path))
    bytes += static_cast<double>(x.file_size());
  std::printf("closed in %.2f s; %.1f bytes a row on the disk\n", closing.passed(),
              bytes / static_cast<double>(how.rows));
  const stretch opening;
  opened = sqlite_store::open(settings);
  std::printf("opened again in %.2f s\n", opening.passed());
  return opened ? 0 : 1;
}

} // namespace

int main(int count, char** words) {
  options how;
  CLI::App app{"The embedded store alone, and what a row costs as it grows."};
  app.add_option("--rows", how.rows, "events in all")->capture_default_str();
  app.add_option("--step", how.step, "events a line")->capture_default_str();
  app.add_option("--batch", how.batch, "events an apply")->capture_default_str();
  app.add_option("--fold", how.fold, "events a fold of all partitions")->capture_default_str();
  app.add_option("--pages", how.pages, "pages, by Zipf")->capture_default_str();
  app.add_option("--users", how.users, "users, all alike")->capture_default_str();
  app.add_option("--events-a-second", how.events_a_second, "of event time")->capture_default_str();
  app.add_flag("--ordered", how.ordered, "ids that sort by time (UUIDv7)");
  app.add_flag("--audit", how.audit, "count all again at the end");
  app.add_option("--folder", how.folder, "where the store is made, and stays");
  CLI11_PARSE(app, count, words);
  return run(how);
}
