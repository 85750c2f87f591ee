#pragma once
/// What a load generator prints when it is done: one JSON object on standard output.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <map>
#include <string>
#include <vector>

namespace footfall::bench {

using steady = std::chrono::steady_clock;

struct load_report {
  size_t requests = 0;              ///< Answered 200.
  size_t events = 0;                ///< Accepted, by the answers' own count.
  std::map<int, size_t> errors;     ///< Other statuses; 0: the connection broke.
  std::vector<uint32_t> latency_us; ///< Of the requests answered 200.
  size_t refusals_most = 100;       ///< Before the first that is answered 200.

  /// None of many requests was answered 200: it is no use to go on.
  bool is_refused() const {
    if (requests > 0)
      return false;
    size_t times = 0;
    for (const auto& x : errors)
      times += x.second;
    return times >= refusals_most;
  }

  void took(steady::time_point since) {
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(steady::now() - since);
    latency_us.push_back(static_cast<uint32_t>(us.count()));
  }

  void print(double seconds) {
    std::sort(latency_us.begin(), latency_us.end());
    auto at = [&](double part) {
      const auto n = latency_us.size();
      return n == 0
                 ? 0.0
                 : latency_us[std::min(n - 1, static_cast<size_t>(part * static_cast<double>(n)))]
                       / 1e3;
    };
    timespec cpu{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    std::string failed;
    for (const auto& [status, times] : errors)
      failed +=
          (failed.empty() ? "\"" : ",\"") + std::to_string(status) + "\":" + std::to_string(times);
    std::printf("{\"requests\":%zu,\"events\":%zu,\"errors\":{%s},\"seconds\":%.6f,"
                "\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f,\"cpu_seconds\":%.6f}\n",
                requests, events, failed.c_str(), seconds, at(0.5), at(0.99), at(1),
                static_cast<double>(cpu.tv_sec) + static_cast<double>(cpu.tv_nsec) / 1e9);
  }
};

} // namespace footfall::bench
