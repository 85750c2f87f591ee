#include <catch2/catch.hpp>

#include "tests/contract/await.hpp"
#include "tests/contract/rigs.hpp"

using namespace footfall;
using namespace footfall::test;

namespace {

void append(event_log& log, uint32_t partition, const std::vector<std::string>& values) {
  std::vector<log_record> batch;
  for (const auto& value : values)
    batch.push_back({partition, "page", value});
  answer<std::vector<append_outcome>> reply;
  log.append(std::move(batch), reply.callback());
  for (const auto& x : reply.get())
    REQUIRE(x.status == outcome::accepted);
}

caf::expected<log_view> look(event_log& log, uint32_t partition, int64_t offset) {
  answer<caf::expected<log_view>> reply;
  log.look(partition, offset, reply.callback());
  return reply.get();
}

} // namespace

TEST_CASE("event_log says what it is and holds", "[contract][event_log]") {
  FOOTFALL_RIG(rig, log_rigs);
  auto log = rig->open();
  auto empty = look(*log, 1, -1);
  REQUIRE(empty);
  CHECK_FALSE(empty->identity.empty());
  CHECK(empty->first == 0);
  CHECK(empty->end == 0);
  CHECK(empty->at.empty());
  append(*log, 1, {"a", "b", "c"});
  auto some = look(*log, 1, 1);
  REQUIRE(some);
  CHECK(some->identity == empty->identity);
  CHECK(some->first == 0);
  CHECK(some->end == 3);
  REQUIRE(some->at.size() == 1);
  CHECK(some->at[0].offset == 1);
  CHECK(some->at[0].value == "b");
  CHECK(look(*log, 1, 3)->at.empty());
  CHECK(look(*log, 1, 1000)->at.empty());
  CHECK(look(*log, 0, 0)->end == 0);
  CHECK(code_of(look(*log, 4, 0).error()) == errc::invalid_argument);
}

TEST_CASE("event_log shows a record as a fetch does", "[contract][event_log]") {
  FOOTFALL_RIG(rig, log_rigs);
  auto log = rig->open();
  append(*log, 2, {"a", "b"});
  answer<caf::expected<log_batch>> reply;
  log->fetch(2, 1, {}, reply.callback());
  auto batch = reply.get();
  REQUIRE(batch);
  auto shown = look(*log, 2, 1);
  REQUIRE(shown);
  REQUIRE(shown->at.size() == 1);
  CHECK(shown->at[0].time_us == batch->entries[0].time_us);
  CHECK(shown->at[0].value == batch->entries[0].value);
  CHECK(shown->at[0].format == batch->entries[0].format);
}

TEST_CASE("each of many looks shows its record", "[contract][event_log]") {
  FOOTFALL_RIG(rig, log_rigs);
  auto log = rig->open();
  for (int64_t offset = 0; offset < 10; ++offset)
    for (uint32_t partition = 0; partition < 4; ++partition) {
      append(*log, partition, {std::to_string(offset)});
      auto shown = look(*log, partition, offset);
      REQUIRE(shown);
      REQUIRE(shown->at.size() == 1);
      CHECK(shown->at[0].value == std::to_string(offset));
    }
}

TEST_CASE("a look moves no fetch", "[contract][event_log]") {
  FOOTFALL_RIG(rig, log_rigs);
  auto log = rig->open();
  append(*log, 0, {"a"});
  answer<caf::expected<log_batch>> reply;
  log->fetch(0, 1, {}, reply.callback());
  REQUIRE(look(*log, 0, 0)->at.size() == 1);
  REQUIRE_FALSE(reply.is_ready());
  append(*log, 0, {"b"});
  auto batch = reply.get();
  REQUIRE(batch);
  CHECK(batch->entries.at(0).value == "b");
}

TEST_CASE("event_log says what it dropped", "[contract][event_log]") {
  FOOTFALL_RIG(rig, log_rigs);
  auto log = rig->open();
  append(*log, 0, {"a", "b", "c"});
  append(*log, 0, {"d"});
  if (!rig->trim(*log, 0, 3))
    return;
  REQUIRE(eventually([&] { return look(*log, 0, -1)->first == 3; }));
  CHECK(look(*log, 0, 2)->at.empty());
  CHECK(look(*log, 0, 3)->at.size() == 1);
  CHECK(look(*log, 0, -1)->end == 4);
}

TEST_CASE("event_log is the same one when it is opened again", "[contract][event_log]") {
  FOOTFALL_RIG(rig, log_rigs);
  if (!rig->keeps_data())
    return;
  auto log = rig->open();
  append(*log, 3, {"a", "b"});
  auto before = look(*log, 3, 1);
  log.reset();
  log = rig->open();
  auto after = look(*log, 3, 1);
  REQUIRE(before);
  REQUIRE(after);
  CHECK(after->identity == before->identity);
  CHECK(after->end == 2);
  REQUIRE(after->at.size() == 1);
  CHECK(after->at[0].time_us == before->at.at(0).time_us);
}
