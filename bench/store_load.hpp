#pragma once

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <future>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "actors/model/event_key.hpp"
#include "actors/ports/store.hpp"

/// What the benchmarks of the embedded store share: its load, and the clock.
namespace footfall::bench {

inline constexpr int64_t start_us = 1'735'689'600'000'000;

/// CPU time of all threads and wall time, for one measured stretch.
class stretch {
public:
  stretch() : cpu_(cpu()), wall_(wall()) {}
  void print(const char* name, double rows) const {
    std::printf("%-44s %9.0f rows/s  %7.2f us CPU/row\n", name, rows / passed(),
                spent() * 1e6 / rows);
    std::fflush(stdout);
  }
  double spent() const { return cpu() - cpu_; } ///< CPU, in seconds.
  double passed() const { return wall() - wall_; }

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

/// Events of Zipf pages and 100,000 users, at so many a second.
class generator {
public:
  explicit generator(bool ordered, int pages = 1'500, int64_t events_a_second = 50'000,
                     uint64_t users = 100'000)
      : ordered_(ordered), step_us_(1'000'000 / events_a_second), users_(users) {
    double sum = 0;
    for (int i = 1; i <= pages; ++i)
      zipf_.push_back(sum += 1.0 / i);
    for (auto& x : zipf_)
      x /= sum;
  }

  event_row next(int64_t offset) {
    event_row out;
    out.offset = offset;
    out.at_us = start_us + step_us_ * made_++;
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
    user_no = static_cast<int>(random_() % users_);
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
  const int64_t step_us_;
  const uint64_t users_;
  std::vector<double> zipf_;
  std::mt19937_64 random_{42};
  int64_t made_ = 0;
};

template <class T>
T wait(std::future<T> x) {
  return x.get();
}

/// A store with four partitions, each with pages of its own.
class partitions {
public:
  explicit partitions(store& db) : db_(db) {
    for (uint32_t p = 0; p < count; ++p) {
      std::promise<int64_t> epoch;
      db_.claim(p, [&](auto x) { epoch.set_value(x->epoch); });
      slices_[p].epoch = wait(epoch.get_future());
    }
  }

  /// Of the first partition for which so many rows came.
  apply_request make_batch(generator& made, size_t rows) {
    for (;;) {
      auto row = made.next(0);
      const auto p = static_cast<uint32_t>(made.page_no) % count;
      auto& x = slices_[p];
      row.offset = x.next + static_cast<int64_t>(x.waiting.size());
      x.waiting.push_back(std::move(row));
      if (x.waiting.size() < rows)
        continue;
      const auto first = x.next;
      x.next += static_cast<int64_t>(rows);
      return {p, x.epoch, first, x.next, std::exchange(x.waiting, {}), {}, {}};
    }
  }

  void apply(apply_request batch) {
    const auto rows = batch.rows.size();
    std::promise<std::string> wrong;
    db_.apply(std::move(batch), [&](auto x) {
      wrong.set_value(!x                        ? text_of(x.error())
                      : x->fresh.size() == rows ? ""
                                                : "some rows were not fresh");
    });
    if (const auto what = wait(wrong.get_future()); !what.empty())
      give_up(what);
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
        give_up("a fold did not move");
    }
  }

private:
  static constexpr uint32_t count = 4;
  struct slice {
    int64_t epoch = 0;
    int64_t next = 0;
    std::vector<event_row> waiting;
  };
  [[noreturn]] static void give_up(const std::string& why) {
    std::fprintf(stderr, "the store: %s\n", why.c_str());
    std::exit(1);
  }
  store& db_;
  slice slices_[count];
};

} // namespace footfall::bench
