#pragma once

#include <string>
#include <vector>

#include "actors/model/record.hpp"
#include "tests/support/deterministic.hpp"

namespace footfall::test {

/// A node whose log can be lost, cut, or made anew, seen as `footfall partitions` sees it.
struct log_fixture : node_fixture {
  static constexpr uint32_t partitions = 4;

  explicit log_fixture(std::chrono::milliseconds look_every = std::chrono::milliseconds{0},
                       bool accept_when_stopped = false, bool retains = false)
      : node_fixture({}, log_config(retains), pattern(look_every), accept_when_stopped) {}

  static memory_log::config log_config(bool retains) {
    memory_log::config out;
    out.retains = retains;
    return out;
  }

  static partition_config pattern(std::chrono::milliseconds look_every) {
    partition_config out;
    out.look_every = look_every;
    return out;
  }

  static uint32_t home(const std::string& page) {
    return model::partition_of(model::record_key(default_site, page), partitions);
  }
  static std::string page_of(uint32_t partition) {
    for (int i = 0;; ++i)
      if (auto page = "/" + std::to_string(i); home(page) == partition)
        return page;
  }

  event_result post_one(const std::string& id, const std::string& page = "/p") {
    auto reply = post({click(id, "u1", page)});
    advance(std::chrono::seconds{1});
    return reply.results.at(0);
  }

  partition_row row(uint32_t partition = home("/p")) {
    partition_row out;
    door->partitions([&](partitions_reply x) { out = x.rows.at(partition); });
    settle();
    return out;
  }
  partition_reply skip(uint32_t partition, int64_t to) {
    partition_reply out;
    door->skip(partition, to, [&](partition_reply x) { out = std::move(x); });
    advance(std::chrono::seconds{1});
    return out;
  }
  partition_reply new_generation() {
    partition_reply out;
    door->new_generation([&](partition_reply x) { out = std::move(x); });
    advance(std::chrono::seconds{1});
    return out;
  }
  /// As a restart does: every partition claims again.
  void restart() {
    kill("partition");
    advance(std::chrono::seconds{5});
  }
  void append_of_others(int count) {
    std::vector<log_record> records;
    for (int i = 0; i < count; ++i) {
      auto event = click("new" + std::to_string(i));
      event.site_id = default_site;
      event.at_us = time_us;
      records.push_back({home("/p"), "k", model::encode_record(event, time_us)});
    }
    log.append(std::move(records), [](std::vector<append_outcome>) {});
  }
  uint64_t clicks(const std::string& page = "/p") { return ask(count_of("u1", page)).clicks; }
};

struct looking_fixture : log_fixture {
  looking_fixture() : log_fixture(std::chrono::seconds{3}) {}
};

} // namespace footfall::test
