#include <catch2/catch.hpp>

#include "tests/contract/rigs.hpp"
#include "tests/contract/store_calls.hpp"

using namespace footfall;
using namespace footfall::test;

namespace {

/// Holds up whoever answers by it, until it opens; it does so at its end.
class gate {
public:
  ~gate() { open(); }
  void open() {
    if (!std::exchange(is_open_, true))
      promise_.set_value();
  }
  template <class T>
  store::done<T> callback() {
    return [opened = opened_](caf::expected<T>) { opened.wait_for(2 * patience); };
  }

private:
  std::promise<void> promise_;
  std::shared_future<void> opened_ = promise_.get_future().share();
  bool is_open_ = false;
};

} // namespace

TEST_CASE("store answers counts and pages while lists are slow", "[contract][store]") {
  FOOTFALL_RIG(rig, store_rigs);
  if (rig->waiting_max() == 0)
    return; // It answers on the calling thread.
  auto db = rig->open();
  const auto epoch = claim(*db, 0)->epoch;
  REQUIRE(
      apply(*db, batch(0, epoch, 0, 2, {row(0, "e0", "/a", "u"), row(1, "e1", "/a", "v")}))->moved);
  REQUIRE(fold(*db, 0, 0, 1)->moved);
  gate slow;
  for (int i = 0; i < 3; ++i) {
    db->top_pages("default", day_us, unset_time, 10, slow.callback<snapshot<named_count>>());
    db->minutes({"default", ""}, unset_time, unset_time, slow.callback<snapshot<series_point>>());
    db->top_users({"default", "/a"}, 10, slow.callback<snapshot<named_count>>());
    db->user_names(default_site, {1, 2}, slow.callback<snapshot<std::string>>());
    db->bad_events({{}, 10, false}, slow.callback<bad_event_page>());
  }
  CHECK(count(*db, "/a", "u") == std::pair<uint64_t, uint64_t>{1, 2});
  CHECK(load(*db, {{"default", "/a"}})->values.at(0).clicks == 2);
  CHECK(type_names(*db, {1})->at(0) == "click");
  CHECK(progress(*db)->at(0).next_offset == 2);
  slow.open();
  CHECK(as_pairs(top_pages(*db, "default", day_us, unset_time, 10)) == pairs{{"/a", 2}});
}
