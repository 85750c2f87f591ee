#include <catch2/catch.hpp>

#include "tests/support/deterministic.hpp"

using namespace footfall;
using namespace footfall::test;
using namespace std::chrono_literals;

namespace {

struct audit_fixture : node_fixture {
  explicit audit_fixture(memory_store::config store_config = {}) : node_fixture(store_config) {
    for (int i = 0; i < 300; ++i)
      post({click("e" + std::to_string(i), "u" + std::to_string(i % 7), page(i % 30))});
    advance(1s);
  }
  static std::string page(int i) { return "/" + std::to_string(i); }

  audit_reply audit(audit_live live = audit_live::all, const std::string& of_page = {}) {
    audit_reply out;
    out.code = errc::internal;
    door->audit({live, default_site, of_page}, [&out](audit_reply x) { out = std::move(x); });
    settle();
    return out;
  }

  /// Has the live page add a click that no store has.
  void plant(const std::string& on) {
    page_delta wrong;
    wrong.page = std::string{default_site} + '\0' + on;
    wrong.page_no = 1;
    wrong.incarnation = events.incarnation();
    wrong.next_offset = 1'000'000;
    wrong.clicks = {{1, 1, time_us}};
    for (const auto& entry : actor_directory::get().snapshot())
      if (entry->name == std::string{"page_aggregator"} && entry->read().key == on)
        caf::anon_send(caf::actor_cast<page_aggregator_actor>(entry->handle.lock()), atom::delta_v,
                       wrong);
    settle();
  }
};

bool mentions(const std::vector<std::string>& all, const std::string& text) {
  for (const auto& x : all)
    if (x.find(text) != std::string::npos)
      return true;
  return false;
}

} // namespace

SCENARIO_METHOD(audit_fixture, "an audit looks at memory, and says what it did not look at",
                "[actor][audit]") {
  GIVEN("a node that is well") {
    const auto all = audit();
    CHECK(all.code == errc::none);
    CHECK(all.differences.empty());
    CHECK(mentions(all.checked, "30 of 30 live pages"));
    CHECK_FALSE(mentions(all.not_checked, "live pages"));
    CHECK_FALSE(all.not_checked.empty());
    REQUIRE(all.partitions.size() == 4);
    for (const auto& x : all.partitions) {
      CHECK(x.next_offset == x.acknowledged_end);
      CHECK(x.folded_offset == x.next_offset);
      CHECK(x.log_end == x.next_offset);
      CHECK(x.log_first >= 0);
    }
    CHECK(mentions(all.checked, "range of the event log"));
    const auto none = audit(audit_live::none);
    CHECK(none.differences.empty());
    CHECK(mentions(none.not_checked, "live pages"));
  }
  GIVEN("a live page that has a click too many") {
    plant("/3");
    const auto wrong = audit();
    REQUIRE(wrong.differences.size() == 1);
    CHECK(wrong.differences[0].table == "live page");
    CHECK(wrong.differences[0].key.find("/3 clicks") != std::string::npos);
    CHECK(wrong.differences[0].expected == 10);
    CHECK(wrong.differences[0].found == 11);
    CHECK_FALSE(audit(audit_live::sample).differences.empty());
    CHECK(audit(audit_live::none).differences.empty());
  }
  GIVEN("events that are acknowledged and not applied") {
    post({click("a"), click("b"), click("c"), click("d")});
    // After an apply of many clients the next one is not due yet.
    const auto at = post({click("late")}).results.at(0).pos;
    const auto found = audit();
    CHECK(found.differences.empty());
    CHECK(found.partitions.at(at.partition).acknowledged_end == at.offset + 1);
    CHECK(found.partitions.at(at.partition).next_offset == at.offset);
  }
  GIVEN("an audit while another one is asked for") {
    audit_reply first;
    audit_reply second;
    door->audit({}, [&](audit_reply x) { first = std::move(x); });
    door->audit({}, [&](audit_reply x) { second = std::move(x); });
    settle();
    CHECK(first.code == errc::none);
    CHECK((second.code == errc::none || second.code == errc::overloaded));
  }
}

SCENARIO_METHOD(audit_fixture, "an audit of one page looks at no other", "[actor][audit]") {
  plant("/3");
  plant("/4");
  const auto of_3 = audit(audit_live::sample, "/3");
  CHECK(of_3.code == errc::none);
  REQUIRE(of_3.differences.size() == 1);
  CHECK(of_3.differences[0].key.find("/3 clicks") != std::string::npos);
  CHECK(mentions(of_3.checked, "10 raw events of the page"));
  CHECK(mentions(of_3.not_checked, "other pages"));
  const auto of_5 = audit(audit_live::sample, "/5");
  CHECK(of_5.differences.empty());
  CHECK(mentions(of_5.checked, "the live page against the store"));
  CHECK(audit(audit_live::none, "/3").differences.empty());
  const auto none = audit(audit_live::sample, "/none");
  CHECK(none.differences.empty());
  CHECK(mentions(none.checked, "0 raw events of the page"));
  CHECK(mentions(none.not_checked, "not live at this node"));
}
