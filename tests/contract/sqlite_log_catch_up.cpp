#include <catch2/catch.hpp>

#include <atomic>
#include <cstring>
#include <future>

#include "db/sqlite/sqlite_log.hpp"
#include "proto/failpoint.hpp"
#include "tests/contract/await.hpp"
#include "tests/contract/temporary_folder.hpp"

using namespace footfall;
using namespace footfall::test;

namespace {

std::atomic<bool> holds{false};
std::promise<void>* committed = nullptr;
std::shared_future<void>* may_go_on = nullptr;

// Keeps the writer between its commit and the moment the log says so.
void hold_after_commit(const char* name) {
  if (std::strcmp(name, "log.after_commit") != 0 || !holds.exchange(false))
    return;
  committed->set_value();
  may_go_on->wait();
}

struct hooked {
  hooked() { set_failpoint_hook(hold_after_commit); }
  ~hooked() { set_failpoint_hook(nullptr); }
};

} // namespace

// The file holds a block a moment before the log says so. A reader that was given
// such a block asked next for what is beyond the end, and was told of a gap.
TEST_CASE("a reader of the file never runs ahead of the log", "[contract][sqlite]") {
  temporary_folder here;
  sqlite_log::config settings;
  settings.folder = here.path();
  settings.tail_bytes = 0; // Every fetch reads the file.
  auto opened = sqlite_log::open(settings);
  REQUIRE(opened);
  auto& log = **opened;
  std::promise<void> was_committed;
  std::promise<void> go_on;
  auto going_on = go_on.get_future().share();
  committed = &was_committed;
  may_go_on = &going_on;
  hooked hook;
  answer<std::vector<append_outcome>> first;
  log.append({{0, "page", "a"}}, first.callback());
  REQUIRE(first.get().at(0).status == outcome::accepted);
  holds = true;
  answer<std::vector<append_outcome>> second;
  log.append({{0, "page", "b"}}, second.callback());
  was_committed.get_future().wait();
  answer<caf::expected<log_batch>> early;
  log.fetch(0, 0, {}, early.callback());
  auto batch = early.get();
  REQUIRE(batch);
  CHECK(batch->entries.size() == 1);
  CHECK(batch->end_offset == 1);
  answer<caf::expected<log_batch>> later;
  log.fetch(0, batch->entries.back().offset + 1, {}, later.callback());
  go_on.set_value();
  auto rest = later.get();
  REQUIRE(rest);
  CHECK(rest->entries.at(0).value == "b");
  CHECK(second.get().at(0).status == outcome::accepted);
}
