#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <set>
#include <thread>

#include "tests/contract/await.hpp"
#include "tests/contract/rigs.hpp"

using namespace footfall;
using namespace footfall::test;

namespace {

std::vector<log_record> records(uint32_t partition, const std::vector<std::string>& values) {
  std::vector<log_record> out;
  for (const auto& value : values)
    out.push_back({partition, "page", value});
  return out;
}

std::vector<append_outcome> append(event_log& log, std::vector<log_record> batch) {
  answer<std::vector<append_outcome>> reply;
  log.append(std::move(batch), reply.callback());
  return reply.get();
}

bool all_accepted(const std::vector<append_outcome>& outcomes) {
  for (const auto& x : outcomes)
    if (x.status != outcome::accepted || x.code != errc::none)
      return false;
  return true;
}

caf::expected<log_batch> fetch(event_log& log, uint32_t partition, int64_t from,
                               fetch_limits most = {}) {
  answer<caf::expected<log_batch>> reply;
  log.fetch(partition, from, most, reply.callback());
  return reply.get();
}

/// The values of a partition from `from` up to `until`, checking their offsets.
std::vector<std::string> read(event_log& log, uint32_t partition, int64_t from, int64_t until,
                              fetch_limits most = {}) {
  std::vector<std::string> out;
  while (from < until) {
    auto batch = fetch(log, partition, from, most);
    REQUIRE(batch);
    REQUIRE(batch->partition == partition);
    REQUIRE_FALSE(batch->entries.empty());
    for (auto& entry : batch->entries) {
      REQUIRE(entry.offset == from++);
      REQUIRE(entry.format == record_format::protobuf);
      out.push_back(entry.value);
    }
    REQUIRE(batch->next_offset == from);
    REQUIRE(batch->end_offset >= from);
  }
  return out;
}

} // namespace

TEST_CASE("event_log keeps order and says where each record is", "[contract][event_log]") {
  FOOTFALL_RIG(rig, log_rigs);
  auto log = rig->open();
  REQUIRE(log->partitions() == 4);
  REQUIRE_FALSE(log->topic().empty());
  REQUIRE(log->health().empty());
  auto batch = records(1, {"a", "b"});
  batch.push_back({3, "page", "x"});
  batch.push_back({1, "page", "c"});
  auto outcomes = append(*log, batch);
  REQUIRE(outcomes.size() == 4);
  REQUIRE(all_accepted(outcomes));
  CHECK(outcomes[0].pos == position{1, 0});
  CHECK(outcomes[1].pos == position{1, 1});
  CHECK(outcomes[2].pos == position{3, 0});
  CHECK(outcomes[3].pos == position{1, 2});
  outcomes = append(*log, records(1, {"d"}));
  REQUIRE(outcomes.size() == 1);
  CHECK(outcomes[0].pos == position{1, 3});
  CHECK(read(*log, 1, 0, 4) == std::vector<std::string>{"a", "b", "c", "d"});
  CHECK(read(*log, 1, 2, 4) == std::vector<std::string>{"c", "d"});
  CHECK(read(*log, 3, 0, 1) == std::vector<std::string>{"x"});
}

TEST_CASE("event_log keeps any bytes", "[contract][event_log]") {
  FOOTFALL_RIG(rig, log_rigs);
  auto log = rig->open();
  std::string bytes;
  for (int i = 0; i < 256; ++i)
    bytes += static_cast<char>(i);
  const std::vector<std::string> values{bytes, std::string{}, std::string(100'000, 'x'),
                                        std::string(2, 0)};
  REQUIRE(all_accepted(append(*log, records(0, values))));
  CHECK(read(*log, 0, 0, 4) == values);
}

TEST_CASE("event_log answers an empty append", "[contract][event_log]") {
  FOOTFALL_RIG(rig, log_rigs);
  auto log = rig->open();
  CHECK(append(*log, {}).empty());
}

TEST_CASE("event_log rejects what it cannot place, whole", "[contract][event_log]") {
  FOOTFALL_RIG(rig, log_rigs);
  auto log = rig->open();
  auto batch = records(0, {"a"});
  batch.push_back({4, "page", "nowhere"});
  for (const auto& x : append(*log, batch)) {
    CHECK(x.status == outcome::rejected);
    CHECK(x.code == errc::invalid_argument);
  }
  REQUIRE(all_accepted(append(*log, records(0, {"b"}))));
  CHECK(read(*log, 0, 0, 1) == std::vector<std::string>{"b"});
  CHECK(code_of(fetch(*log, 4, 0).error()) == errc::invalid_argument);
  CHECK(code_of(fetch(*log, 0, -1).error()) == errc::invalid_argument);
}

TEST_CASE("event_log gives at most what was asked for", "[contract][event_log]") {
  FOOTFALL_RIG(rig, log_rigs);
  auto log = rig->open();
  const std::vector<std::string> values(10, std::string(100, 'x'));
  REQUIRE(all_accepted(append(*log, records(2, values))));
  auto few = fetch(*log, 2, 1, {3, 1 << 20});
  REQUIRE(few);
  CHECK(few->entries.size() == 3);
  CHECK(few->end_offset == 10);
  auto small = fetch(*log, 2, 0, {100, 250});
  REQUIRE(small);
  CHECK(small->entries.size() == 2);
  // One record that is larger than the limit still comes.
  auto one = fetch(*log, 2, 9, {100, 10});
  REQUIRE(one);
  CHECK(one->entries.size() == 1);
  CHECK(read(*log, 2, 0, 10, {1, 1 << 20}) == values);
}

TEST_CASE("event_log holds a fetch until there is a record", "[contract][event_log]") {
  FOOTFALL_RIG(rig, log_rigs);
  auto log = rig->open();
  answer<caf::expected<log_batch>> waiting;
  log->fetch(1, 0, {}, waiting.callback());
  REQUIRE(all_accepted(append(*log, records(0, {"other partition"}))));
  CHECK_FALSE(waiting.is_ready());
  REQUIRE(all_accepted(append(*log, records(1, {"a"}))));
  auto batch = waiting.get();
  REQUIRE(batch);
  REQUIRE(batch->entries.size() == 1);
  CHECK(batch->entries[0].value == "a");
  answer<caf::expected<log_batch>> next;
  log->fetch(1, 1, {}, next.callback());
  REQUIRE(all_accepted(append(*log, records(1, {"b"}))));
  auto second = next.get();
  REQUIRE(second);
  CHECK(second->entries[0].offset == 1);
}

TEST_CASE("event_log ends a waiting fetch when a newer one comes", "[contract][event_log]") {
  FOOTFALL_RIG(rig, log_rigs);
  auto log = rig->open();
  answer<caf::expected<log_batch>> older;
  answer<caf::expected<log_batch>> newer;
  log->fetch(1, 0, {}, older.callback());
  log->fetch(1, 0, {}, newer.callback());
  CHECK(code_of(older.get().error()) == errc::timeout);
  REQUIRE(all_accepted(append(*log, records(1, {"a"}))));
  CHECK(newer.get());
}

TEST_CASE("event_log answers what is open when it closes", "[contract][event_log]") {
  FOOTFALL_RIG(rig, log_rigs);
  auto log = rig->open();
  answer<caf::expected<log_batch>> waiting;
  log->fetch(1, 0, {}, waiting.callback());
  log.reset();
  CHECK(code_of(waiting.get().error()) == errc::shutting_down);
}

TEST_CASE("event_log says gap when records are gone or never were", "[contract][event_log]") {
  FOOTFALL_RIG(rig, log_rigs);
  auto log = rig->open();
  for (const char* value : {"a", "b", "c", "d"})
    REQUIRE(all_accepted(append(*log, records(0, {value}))));
  CHECK(code_of(fetch(*log, 0, 5).error()) == errc::gap);
  if (!rig->trim(*log, 0, 3))
    return;
  REQUIRE(eventually([&] { return !fetch(*log, 0, 0); }));
  CHECK(code_of(fetch(*log, 0, 0).error()) == errc::gap);
  CHECK(read(*log, 0, 3, 4) == std::vector<std::string>{"d"});
  auto outcomes = append(*log, records(0, {"e"}));
  REQUIRE(all_accepted(outcomes));
  CHECK(outcomes[0].pos == position{0, 4});
}

TEST_CASE("event_log passes over offsets without a record", "[contract][event_log]") {
  FOOTFALL_RIG(rig, log_rigs);
  auto log = rig->open();
  if (!rig->leave_hole(*log, 1))
    return;
  std::vector<int64_t> offsets;
  for (const char* value : {"a", "b"}) {
    const auto outcomes = append(*log, records(1, {value, value}));
    REQUIRE(all_accepted(outcomes));
    offsets.push_back(outcomes[0].pos.offset);
    offsets.push_back(outcomes[1].pos.offset);
    REQUIRE(rig->leave_hole(*log, 1));
  }
  REQUIRE(offsets == std::vector<int64_t>{3, 4, 8, 9});
  // From the start, and from the middle of each hole.
  for (uint32_t most : {1u, 1000u})
    for (int64_t from : {0, 6, 11}) {
      INFO("from " << from << ", " << most << " at once");
      std::vector<int64_t> seen;
      auto next = from;
      while (next < 13) {
        auto batch = fetch(*log, 1, next, {most, 1 << 20});
        REQUIRE(batch);
        CHECK(batch->first_offset == next);
        REQUIRE(batch->next_offset > next);
        CHECK(batch->end_offset >= batch->next_offset);
        CHECK(batch->entries.size() <= most);
        for (const auto& x : batch->entries) {
          CHECK((x.offset >= next && x.offset < batch->next_offset));
          seen.push_back(x.offset);
        }
        next = batch->next_offset;
      }
      CHECK(next == 13);
      CHECK(seen
            == std::vector<int64_t>(std::lower_bound(offsets.begin(), offsets.end(), from),
                                    offsets.end()));
    }
  // What comes behind the last hole ends the wait there.
  answer<caf::expected<log_batch>> waiting;
  log->fetch(1, 13, {}, waiting.callback());
  REQUIRE(all_accepted(append(*log, records(1, {"c"}))));
  auto last = waiting.get();
  REQUIRE(last);
  REQUIRE(last->entries.size() == 1);
  CHECK(last->entries[0].offset == 13);
}

TEST_CASE("event_log goes on counting after everything was dropped", "[contract][event_log]") {
  FOOTFALL_RIG(rig, log_rigs);
  auto log = rig->open();
  REQUIRE(all_accepted(append(*log, records(0, {"a", "b", "c"}))));
  REQUIRE(all_accepted(append(*log, records(2, {"x"}))));
  if (!rig->trim(*log, 0, 3) || !rig->trim(*log, 2, 1))
    return;
  REQUIRE(eventually([&] { return !fetch(*log, 0, 0) && !fetch(*log, 2, 0); }));
  if (rig->keeps_data()) {
    log.reset();
    log = rig->open();
  }
  auto outcomes = append(*log, records(0, {"d"}));
  REQUIRE(all_accepted(outcomes));
  CHECK(outcomes[0].pos == position{0, 3});
  CHECK(read(*log, 0, 3, 4) == std::vector<std::string>{"d"});
  outcomes = append(*log, records(2, {"y"}));
  REQUIRE(all_accepted(outcomes));
  CHECK(outcomes[0].pos == position{2, 1});
}

TEST_CASE("event_log has everything after it was opened again", "[contract][event_log]") {
  FOOTFALL_RIG(rig, log_rigs);
  if (!rig->keeps_data())
    return;
  auto log = rig->open();
  std::vector<std::string> values;
  for (int i = 0; i < 200; ++i) {
    values.push_back("value " + std::to_string(i));
    if (i % 2 == 0)
      REQUIRE(all_accepted(append(*log, records(1, {values.back()}))));
    else
      log->append(records(1, {values.back()}), [](auto) {});
  }
  REQUIRE(all_accepted(append(*log, records(0, {"last"}))));
  const auto topic = log->topic();
  log.reset();
  log = rig->open();
  CHECK(log->topic() == topic);
  CHECK(log->partitions() == 4);
  CHECK(read(*log, 1, 0, 200) == values);
  CHECK(read(*log, 1, 150, 200, {7, 1 << 20}).size() == 50);
  auto outcomes = append(*log, records(1, {"after"}));
  REQUIRE(all_accepted(outcomes));
  CHECK(outcomes[0].pos == position{1, 200});
  CHECK(read(*log, 1, 199, 201) == std::vector<std::string>{values.back(), "after"});
}

TEST_CASE("event_log rejects what is more than its queue holds", "[contract][event_log]") {
  FOOTFALL_RIG(rig, log_rigs);
  if (rig->batch_records_max() == 0)
    return;
  auto log = rig->open();
  const std::vector<std::string> many(rig->batch_records_max() + 1, "x");
  auto outcomes = append(*log, records(0, many));
  REQUIRE(outcomes.size() == many.size());
  for (const auto& x : outcomes)
    if (x.status != outcome::rejected || x.code != errc::overloaded)
      FAIL("a record was not rejected as overload");
  REQUIRE(all_accepted(append(*log, records(0, {"a"}))));
  CHECK(read(*log, 0, 0, 1) == std::vector<std::string>{"a"});
}

TEST_CASE("event_log serves many threads at once", "[contract][event_log]") {
  FOOTFALL_RIG(rig, log_rigs);
  auto log = rig->open();
  constexpr int threads = 4;
  constexpr int appends = 150;
  std::vector<std::thread> writers;
  std::array<std::atomic<int64_t>, 2> accepted{};
  std::atomic<int> refused{0};
  for (int t = 0; t < threads; ++t)
    writers.emplace_back([&, t] {
      for (int i = 0; i < appends; ++i) {
        const auto value = std::to_string(t) + ":" + std::to_string(i);
        auto batch = records(static_cast<uint32_t>(t % 2), {value, value + "+"});
        answer<std::vector<append_outcome>> reply;
        log->append(batch, reply.callback());
        if (i % 10 == 9 && !all_accepted(reply.get()))
          ++refused;
        accepted[static_cast<size_t>(t % 2)] += 2;
      }
    });
  std::array<std::vector<std::string>, 2> seen;
  std::vector<std::thread> readers;
  for (uint32_t p = 0; p < 2; ++p)
    readers.emplace_back([&, p] {
      int64_t at = 0;
      while (at < threads / 2 * appends * 2) {
        auto batch = fetch(*log, p, at, {100, 1 << 20});
        if (!batch)
          break;
        for (auto& entry : batch->entries)
          if (entry.offset == at++)
            seen[p].push_back(entry.value);
      }
    });
  for (auto& x : writers)
    x.join();
  for (auto& x : readers)
    x.join();
  CHECK(refused == 0);
  for (size_t p = 0; p < 2; ++p) {
    REQUIRE(static_cast<int64_t>(seen[p].size()) == accepted[p]);
    CHECK(std::set<std::string>(seen[p].begin(), seen[p].end()).size() == seen[p].size());
    std::array<int, threads> next{};
    for (const auto& value : seen[p]) {
      // Records of one writer keep their order.
      const auto t = static_cast<size_t>(std::stoi(value));
      const int i = std::stoi(value.substr(value.find(':') + 1)) * 2 + (value.back() == '+');
      if (i != next[t]++)
        FAIL("out of order: " << value);
    }
  }
}
