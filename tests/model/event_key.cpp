#include "actors/model/event_key.hpp"

#include <set>

#include <catch2/catch.hpp>

using namespace footfall::model;

TEST_CASE("a canonical UUID is its own key", "[model][event_key]") {
  const std::string id = "0190a6f0-1c2b-7d3e-8f40-5a6b7c8d9e0f";
  auto key = event_key_of(id);
  CHECK(key.is_id);
  CHECK(uuid_text(key.bytes) == id);
}

TEST_CASE("any other id is hashed, and spelling matters", "[model][event_key]") {
  const char* ids[] = {"evt-1",
                       "",
                       "0190A6F0-1C2B-7D3E-8F40-5A6B7C8D9E0F",
                       "0190a6f01c2b7d3e8f405a6b7c8d9e0f",
                       "0190a6f0-1c2b-7d3e-8f40-5a6b7c8d9e0g",
                       "0190a6f0-1c2b-7d3e-8f405-a6b7c8d9e0f",
                       "evt-2"};
  std::set<std::array<uint8_t, 16>> keys;
  for (auto id : ids) {
    auto key = event_key_of(id);
    INFO(id);
    CHECK_FALSE(key.is_id);
    keys.insert(key.bytes);
  }
  CHECK(keys.size() == std::size(ids));
  // SHA-256("abc") begins with ba7816bf 8f01cfea 414140de 5dae2223.
  CHECK(uuid_text(event_key_of("abc").bytes) == "ba7816bf-8f01-cfea-4141-40de5dae2223");
}

TEST_CASE("uuid7 carries the time in front and its version", "[model][event_key]") {
  // The example of RFC 9562, appendix A.6.
  CHECK(uuid7(0x017F22E279B0, 0xCC3, 0x18C4DC0C0C07398F) == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
  auto low = uuid7(1000, ~uint64_t{0}, ~uint64_t{0});
  auto high = uuid7(1001, 0, 0);
  CHECK(low < high);
  CHECK(low[14] == '7');
  CHECK(std::string("89ab").find(low[19]) != std::string::npos);
  CHECK(event_key_of(low).is_id);
}

TEST_CASE("payload_hash parts its fields", "[model][event_key]") {
  CHECK(payload_hash("u", "click", "/p") == payload_hash("u", "click", "/p"));
  CHECK(payload_hash("u", "click", "/p") != payload_hash("uc", "lick", "/p"));
  CHECK(payload_hash("u", "click", "/p") != payload_hash("u", "click", "/q"));
  CHECK(payload_hash("u", "click", "/p") != payload_hash("u", "click/", "p"));
}
