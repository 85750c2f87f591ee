#pragma once

#include <string>
#include <utility>
#include <vector>

#include "db/memory/memory_cache.hpp"
#include "tests/explorer/agenda.hpp"

namespace footfall::explorer {

/// A cache that does what it is told late, though in order, whose answers come late and in
/// any order, and that is gone for a while: then lookups miss at once, nothing is kept, and
/// it begins empty afterwards.
class uncertain_cache final : public cache {
public:
  uncertain_cache(memory_cache& inner, agenda& works) : inner_(inner), works_(works) {}

  void get(std::vector<cache_ask> keys, get_done done) override {
    if (gone_ || works_.draw() != fate::fine)
      return done(std::vector<cached_count>(keys.size()));
    in_order([this, keys = std::move(keys), done = std::move(done)] {
      inner_.get(keys, [this, done](std::vector<cached_count> x) {
        works_.later([done, x = std::move(x)] { done(x); });
      });
    });
  }
  void fill(std::vector<cache_fill> values) override {
    if (!gone_)
      in_order([this, values = std::move(values)] { inner_.fill(values); });
  }
  void advance(std::vector<cache_advance> pages) override {
    if (!gone_)
      in_order([this, pages = std::move(pages)] { inner_.advance(pages); });
  }
  void forget() override {
    in_order([this] { inner_.forget(); });
  }
  std::string health() const override { return gone_ ? "gone" : ""; }

  bool is_gone() const { return gone_; }
  void set_gone(bool on) {
    if (gone_ && !on)
      forget();
    gone_ = on;
  }

private:
  void in_order(std::function<void()> work) { works_.later(std::move(work), agenda::cache_lane); }

  memory_cache& inner_;
  agenda& works_;
  bool gone_ = false;
};

} // namespace footfall::explorer
