#include <catch2/catch.hpp>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <random>
#include <thread>

#include <sqlite3.h>

#include "tests/contract/temporary_folder.hpp"
#include "tests/disk/cut_node.hpp"

using namespace footfall;
using namespace footfall::test;
using namespace std::chrono_literals;

namespace {

constexpr size_t cuts_of_a_run = 12;

std::vector<click_event> some_clicks(std::mt19937_64& random, uint64_t& made) {
  std::vector<click_event> out(1 + random() % 20);
  for (auto& x : out) {
    const bool again = made > 0 && random() % 5 == 0;
    x.event_id = "e" + std::to_string(again ? random() % made : made++);
    x.user_id = "u" + std::to_string(random() % 7);
    x.event_type = "click";
    x.page_url = "/p" + x.event_id.substr(x.event_id.size() - 1);
  }
  return out;
}

/// As another program would: SQLite's own come too late for a run as short as these.
void checkpoint(const std::string& file, int how) {
  sqlite3* on = nullptr;
  if (sqlite3_open_v2(file.c_str(), &on, SQLITE_OPEN_READWRITE, nullptr) == SQLITE_OK)
    sqlite3_wal_checkpoint_v2(on, nullptr, how, nullptr, nullptr);
  sqlite3_close(on);
}

/// Posts until the power was cut so often.
std::vector<power_cut> run_with_cuts(uint64_t seed, cut_ledger& ledger) {
  std::mt19937_64 random(seed);
  temporary_folder folder;
  forgetful_disk disk{folder.path(), seed};
  std::mutex mutex;
  std::vector<power_cut> out;
  std::mt19937_64 moments(seed + 1);
  std::function<void(forgetful_disk::image)> cut;
  auto cut_next = [&] { // The log has few changes beside the store, and they matter most.
    const auto which = moments() % 5;
    if (which == 0) // A run of the index of ids, while it is written, merged, named or removed.
      disk.cut_after(1 + moments() % 4, "ids-", cut);
    else if (which < 3)
      disk.cut_after(1 + moments() % 12, "log.db", cut);
    else
      disk.cut_after(1 + moments() % 90, "store.db", cut);
  };
  cut = [&](forgetful_disk::image left) {
    std::lock_guard guard(mutex);
    out.push_back({std::move(left), ledger.acknowledged()});
    if (out.size() < cuts_of_a_run)
      cut_next();
  };
  auto is_enough = [&] {
    std::lock_guard guard(mutex);
    return out.size() >= cuts_of_a_run;
  };
  cut_next();
  {
    cut_node running{folder.path()};
    uint64_t made = 0;
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (!is_enough() && std::chrono::steady_clock::now() < end) {
      auto clicks = some_clicks(random, made);
      ledger.post(clicks);
      running.door().ingest(std::move(clicks),
                            [&ledger](const ingest_reply& x) { ledger.acknowledge(x); });
      if (random() % 4 == 0)
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 3'000));
      if (random() % 8 == 0)
        checkpoint(folder.path() + (random() % 2 == 0 ? "/log.db" : "/store.db"),
                   random() % 2 == 0 ? SQLITE_CHECKPOINT_PASSIVE : SQLITE_CHECKPOINT_TRUNCATE);
    }
  }
  return out;
}

uint64_t number_from(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

struct bad_report {
  size_t lost = 0;  ///< Acknowledged clicks.
  size_t other = 0; ///< Cuts after which something else is wrong.
  size_t noticed() const { return lost + other; }
};

std::ostream& operator<<(std::ostream& out, const bad_report& x) {
  return out << x.lost << " acknowledged clicks lost, " << x.other
             << " cuts that left something else";
}

/// Until what must be noticed is.
template <class Enough>
bad_report some_runs(Enough enough) {
  bad_report out;
  for (uint64_t seed = 1; seed <= 8 && !enough(out); ++seed) {
    cut_ledger ledger;
    for (const auto& cut : run_with_cuts(seed, ledger)) {
      const auto report = count_after(cut, ledger.posted());
      out.lost += report.lost;
      out.other += report.lost == 0 && !report.fault.empty() ? 1 : 0;
    }
  }
  return out;
}

} // namespace

TEST_CASE("what was acknowledged outlives the power", "[disk]") {
  const auto first = number_from("FOOTFALL_DISK_SEED", 1);
  const auto runs = number_from("FOOTFALL_DISK_RUNS", 16);
  size_t cuts = 0, acknowledged = 0, counted = 0, beyond = 0;
  for (auto seed = first; seed < first + runs; ++seed) {
    cut_ledger ledger;
    const auto all = run_with_cuts(seed, ledger);
    REQUIRE(all.size() == cuts_of_a_run);
    for (size_t i = 0; i < all.size(); ++i) {
      INFO("cut " << i << " of seed " << seed << "; repeat it (the threads run as they will): "
                  << "FOOTFALL_DISK_RUNS=1 FOOTFALL_DISK_SEED=" << seed
                  << " build/release/tests/disk/disk_tests");
      const auto report = count_after(all[i], ledger.posted());
      REQUIRE(report.fault == "");
      ++cuts;
      acknowledged += report.acknowledged;
      counted += report.counted;
      beyond += report.counted > report.acknowledged ? 1 : 0;
    }
  }
  std::cout << "power cuts: " << cuts << " in " << runs << " runs; " << acknowledged
            << " acknowledged, " << counted << " counted (" << beyond
            << " cuts came before an answer that was on its way), lost 0, twice 0\n";
  CHECK(beyond > 0); // Else they come at moments that say little.
}

TEST_CASE("a disk that is not waited for loses clicks, and that is noticed", "[disk]") {
  switch_syncs_off(true);
  const auto report = some_runs([](const auto& x) { return x.lost > 0; });
  switch_syncs_off(false);
  std::cout << "synchronous=OFF: " << report << "\n";
  CHECK(report.lost > 0);
}

TEST_CASE("a log that drops what the store has not synced loses clicks, and that is noticed",
          "[disk]") {
  switch_early_drops(true);
  const auto report = some_runs([](const auto& x) { return x.noticed() > 0; });
  switch_early_drops(false);
  std::cout << "dropped too early: " << report << "\n";
  CHECK(report.noticed() > 0);
}
