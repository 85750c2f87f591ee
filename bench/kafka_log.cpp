// What the Kafka event log costs: append and read back at a given rate.
//
// usage: kafka_log_bench BROKER [RATE...]     records a second, 1000 20000 100000
// Environment: PARTITIONS (4), SECONDS (10), LINGER_MS (5), BROKER_PID (its CPU
// time is then shown too).
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>

#include "actors/model/record.hpp"
#include "net/kafka/kafka_log.hpp"

using namespace footfall;
using steady = std::chrono::steady_clock;

namespace {

int64_t now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(steady::now().time_since_epoch())
      .count();
}

double own_cpu_s() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  auto seconds = [](const timeval& x) {
    return static_cast<double>(x.tv_sec) + static_cast<double>(x.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

/// CPU time of another process; 0 when it is not named.
double process_cpu_s(const char* pid) {
  if (!pid)
    return 0;
  std::ifstream file("/proc/" + std::string(pid) + "/stat");
  std::string word;
  double ticks = 0;
  for (int i = 1; i <= 15 && file >> word; ++i)
    if (i >= 14)
      ticks += std::atof(word.c_str());
  return ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
}

/// Durations in microseconds; any thread adds.
class samples {
public:
  void add(int64_t us) {
    std::lock_guard lock(mutex_);
    all_.push_back(us);
  }
  double ms(double share) {
    std::lock_guard lock(mutex_);
    if (all_.empty())
      return 0;
    auto at = all_.begin() + static_cast<ptrdiff_t>(share * static_cast<double>(all_.size() - 1));
    std::nth_element(all_.begin(), at, all_.end());
    return static_cast<double>(*at) / 1000;
  }

private:
  std::mutex mutex_;
  std::vector<int64_t> all_;
};

/// Reads one partition on and on.
class reader {
public:
  reader(event_log& log, uint32_t partition, int64_t from, samples& delays)
      : log_(log), partition_(partition), next_(from), delays_(delays) {
    ask();
  }
  int64_t next() const { return next_; }

private:
  void ask() {
    log_.fetch(partition_, next_, {}, [this](auto batch) {
      if (!batch)
        return;
      const auto now = now_us();
      delays_.add(now - std::atoll(batch->entries.front().value.c_str()));
      next_ = batch->next_offset;
      ask();
    });
  }
  event_log& log_;
  const uint32_t partition_;
  std::atomic<int64_t> next_;
  samples& delays_;
};

int number(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  return text ? std::atoi(text) : otherwise;
}

struct totals {
  std::atomic<int64_t> accepted{0};
  std::atomic<int64_t> other{0};
  std::vector<std::atomic<int64_t>> ends;
  samples acks;
  explicit totals(size_t partitions) : ends(partitions) {}
};

/// One bunch a millisecond, as many records as the rate asks for by now.
int64_t produce(event_log& log, int64_t rate, int seconds, totals& sum) {
  const auto start = now_us();
  const std::string filler(150, 'x');
  int64_t sent = 0;
  for (int64_t at = 0; at < seconds * 1'000'000LL; at = now_us() - start) {
    std::vector<log_record> bunch;
    const auto text = std::to_string(now_us()) + filler;
    for (; sent < rate * at / 1'000'000; ++sent) {
      auto key = "https://example.com/page/" + std::to_string(sent % 997);
      const auto partition = model::partition_of(key, log.partitions());
      bunch.push_back({partition, std::move(key), text});
    }
    const auto begun = now_us();
    if (!bunch.empty())
      log.append(std::move(bunch), [&sum, begun](auto outcomes) {
        for (const auto& x : outcomes)
          if (x.status == outcome::accepted) {
            ++sum.accepted;
            sum.ends[x.pos.partition] = std::max<int64_t>(sum.ends[x.pos.partition], x.pos.offset);
          } else {
            ++sum.other;
          }
        sum.acks.add(now_us() - begun);
      });
    std::this_thread::sleep_for(std::chrono::microseconds{number("BUNCH_US", 1000)});
  }
  while (sum.accepted + sum.other < sent)
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  return sent;
}

void run(event_log& log, std::vector<int64_t>& from, int64_t rate, int seconds) {
  totals sum(log.partitions());
  samples delays;
  std::vector<std::unique_ptr<reader>> readers;
  for (uint32_t p = 0; p < log.partitions(); ++p) {
    sum.ends[p] = from[p] - 1;
    readers.push_back(std::make_unique<reader>(log, p, from[p], delays));
  }
  const char* pid = std::getenv("BROKER_PID");
  const auto cpu = own_cpu_s();
  const auto broker = process_cpu_s(pid);
  const auto start = now_us();
  const auto sent = produce(log, rate, seconds, sum);
  for (size_t p = 0; p < readers.size(); ++p)
    while (readers[p]->next() <= sum.ends[p])
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
  const auto took = static_cast<double>(now_us() - start) / 1e6;
  const auto each = [&](double s) { return s * 1e6 / static_cast<double>(sent); };
  std::printf("asked %lld/s: %.0f/s accepted and read, %lld not accepted; CPU us/event client "
              "%.1f broker %.1f; ack p50 %.1f p99 %.1f ms; append to read p50 %.1f p99 %.1f ms\n",
              static_cast<long long>(rate), static_cast<double>(sum.accepted) / took,
              static_cast<long long>(sum.other), each(own_cpu_s() - cpu),
              each(process_cpu_s(pid) - broker), sum.acks.ms(.5), sum.acks.ms(.99), delays.ms(.5),
              delays.ms(.99));
  std::fflush(stdout);
  // A record more ends the open fetches, so that the next run has readers of its own.
  for (size_t p = 0; p < readers.size(); ++p) {
    from[p] = readers[p]->next();
    std::atomic<bool> replaced{false};
    log.fetch(static_cast<uint32_t>(p), from[p], {}, [&replaced](auto) { replaced = true; });
    log.fetch(static_cast<uint32_t>(p), from[p], {}, [](auto) {});
    while (!replaced)
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
}

/// Reads everything again from the start, as fast as it comes.
void drain(event_log& log, const std::vector<int64_t>& ends) {
  samples delays;
  const auto cpu = own_cpu_s();
  const auto start = now_us();
  std::vector<std::unique_ptr<reader>> readers;
  double total = 0;
  for (uint32_t p = 0; p < log.partitions(); ++p) {
    total += static_cast<double>(ends[p]);
    readers.push_back(std::make_unique<reader>(log, p, 0, delays));
  }
  for (size_t p = 0; p < readers.size(); ++p)
    while (readers[p]->next() < ends[p])
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
  std::printf("drained %.0f records: %.0f/s, CPU us/event client %.2f\n", total,
              total * 1e6 / static_cast<double>(now_us() - start),
              (own_cpu_s() - cpu) * 1e6 / total);
}

} // namespace

int main(int count, char** words) {
  if (count < 2) {
    std::fprintf(stderr, "usage: kafka_log_bench BROKER [RATE...]\n");
    return 2;
  }
  kafka_config config;
  config.brokers = words[1];
  config.topic = "bench-" + std::to_string(getpid()) + "-" + std::to_string(now_us());
  config.partitions = static_cast<uint32_t>(number("PARTITIONS", 4));
  config.linger = std::chrono::milliseconds{number("LINGER_MS", 5)};
  auto log = kafka_log::open(config);
  if (!log) {
    std::fprintf(stderr, "%s\n", text_of(log.error()).c_str());
    return 3;
  }
  std::vector<int64_t> rates;
  for (int i = 2; i < count; ++i)
    rates.push_back(std::atoll(words[i]));
  if (rates.empty())
    rates = {1'000, 20'000, 100'000};
  std::vector<int64_t> from((*log)->partitions(), 0);
  for (auto rate : rates)
    run(**log, from, rate, number("SECONDS", 10));
  drain(**log, from);
}
