#pragma once

#include <memory>
#include <optional>
#include <string>

#include "actors/ports/store.hpp"
#include "tests/explorer/agenda.hpp"

namespace footfall::explorer {

/// A store of which each call may take effect later, be answered later than others that
/// were asked after it, fail with nothing done, or fail although it is done, or will be:
/// all that the port's contract allows.
class uncertain_store : public store {
public:
  uncertain_store(store& inner, agenda& works) : inner_(inner), works_(works) {}

  void claim(uint32_t partition, done<partition_claim> reply) override {
    submit(std::move(reply), [=, this](auto x) { inner_.claim(partition, std::move(x)); });
  }
  void claim(lease_claim by, done<partition_claim> reply) override {
    submit(std::move(reply), [=, this](auto x) { inner_.claim(by, std::move(x)); });
  }
  leases& nodes() override { return inner_.nodes(); }
  void adopt(uint32_t partition, int64_t epoch, std::string log_id, done<bool> reply) override {
    submit(std::move(reply),
           [=, this](auto x) { inner_.adopt(partition, epoch, log_id, std::move(x)); });
  }
  void begin_generation(std::vector<int64_t> starts, std::string log_id,
                        done<uint32_t> reply) override {
    inner_.begin_generation(std::move(starts), std::move(log_id), std::move(reply));
  }
  void apply(apply_request batch, done<apply_result> reply) override {
    submit(std::move(reply),
           [this, batch = std::move(batch)](auto x) { inner_.apply(batch, std::move(x)); });
  }
  void fold(uint32_t partition, int64_t from, int64_t until, done<fold_result> reply) override {
    submit(std::move(reply),
           [=, this](auto x) { inner_.fold(partition, from, until, std::move(x)); });
  }
  void read_counts(std::vector<pair_key> keys, done<snapshot<pair_count>> reply) override {
    submit(std::move(reply), [=, this](auto x) { inner_.read_counts(keys, std::move(x)); });
  }
  void load_pages(std::vector<page_key> keys, int32_t first_minute, uint32_t users_max,
                  done<snapshot<page_load>> reply) override {
    submit(std::move(reply),
           [=, this](auto x) { inner_.load_pages(keys, first_minute, users_max, std::move(x)); });
  }
  void top_pages(std::string site_id, int64_t from_us, int64_t to_us, uint32_t limit,
                 done<snapshot<named_count>> reply) override {
    submit(std::move(reply),
           [=, this](auto x) { inner_.top_pages(site_id, from_us, to_us, limit, std::move(x)); });
  }
  void minutes(page_key key, int64_t from_us, int64_t to_us,
               done<snapshot<series_point>> reply) override {
    submit(std::move(reply),
           [=, this](auto x) { inner_.minutes(key, from_us, to_us, std::move(x)); });
  }
  void top_users(page_key key, uint32_t limit, done<snapshot<named_count>> reply) override {
    submit(std::move(reply), [=, this](auto x) { inner_.top_users(key, limit, std::move(x)); });
  }
  void user_names(std::string site_id, std::vector<int32_t> numbers,
                  done<snapshot<std::string>> reply) override {
    submit(std::move(reply),
           [=, this](auto x) { inner_.user_names(site_id, numbers, std::move(x)); });
  }
  void type_names(std::string site_id, std::vector<int32_t> numbers,
                  done<snapshot<std::string>> reply) override {
    submit(std::move(reply),
           [=, this](auto x) { inner_.type_names(site_id, numbers, std::move(x)); });
  }
  void audit(done<std::vector<audit_difference>> reply) override {
    submit(std::move(reply), [this](auto x) { inner_.audit(std::move(x)); });
  }
  void audit_page(page_key key, done<page_recount> reply) override {
    submit(std::move(reply), [=, this](auto x) { inner_.audit_page(key, std::move(x)); });
  }
  void progress(done<std::vector<partition_state>> reply) override {
    submit(std::move(reply), [this](auto x) { inner_.progress(std::move(x)); });
  }
  void bad_events(bad_events_ask ask, done<bad_event_page> reply) override {
    submit(std::move(reply), [=, this](auto x) { inner_.bad_events(ask, std::move(x)); });
  }
  void mark_redriven(std::vector<redriven> rows, done<uint64_t> reply) override {
    submit(std::move(reply), [=, this](auto x) { inner_.mark_redriven(rows, std::move(x)); });
  }
  uint64_t incarnation() const override { return inner_.incarnation(); }
  void on_renewal(renewal tell) override { inner_.on_renewal(std::move(tell)); }
  const std::string& identity() const override { return inner_.identity(); }
  std::string health() const override { return {}; }

protected:
  template <class T, class Ask>
  void submit(done<T> reply, Ask ask) {
    const auto what = works_.draw();
    if (what != fate::failed)
      works_.later([this, ask, answers = what == fate::fine, reply] {
        auto answer = std::make_shared<std::optional<caf::expected<T>>>();
        ask(done<T>{[answer](caf::expected<T> x) { answer->emplace(std::move(x)); }});
        if (answers)
          works_.later([answer, reply] { reply(std::move(**answer)); });
      });
    if (what != fate::fine)
      works_.later([reply] { reply(make_error(errc::store_unavailable, "so says the seed")); });
  }

private:
  store& inner_;
  agenda& works_;
};

} // namespace footfall::explorer
