#include "tests/explorer/uncertain_log.hpp"

#include <memory>
#include <utility>

#include "actors/model/record.hpp"
#include "proto/seeded_bug.hpp"

namespace footfall::explorer {

namespace {

constexpr errc certain[] = {errc::overloaded, errc::disk_full};
constexpr errc uncertain[] = {errc::timeout, errc::log_unavailable};

} // namespace

/// Answered when each of its parts is.
struct uncertain_log::open_append {
  std::vector<append_outcome> outcomes;
  size_t parts = 0;
  append_done done;
};

std::vector<append_outcome> uncertain_log::write(std::vector<log_record> part) {
  std::vector<std::string> values;
  for (const auto& x : part)
    values.push_back(x.value);
  std::vector<append_outcome> out;
  inner_.append(std::move(part), [&out](std::vector<append_outcome> x) { out = std::move(x); });
  for (size_t i = 0; i < out.size(); ++i) {
    if (out[i].status != outcome::accepted)
      continue;
    log_entry entry;
    entry.offset = out[i].pos.offset;
    entry.value = values[i];
    written copy;
    copy.is_event = model::decode_record(entry, copy.event).empty();
    copy.raw = std::move(values[i]);
    copy_[{out[i].pos.partition, out[i].pos.offset}] = std::move(copy);
    ends_[out[i].pos.partition] = out[i].pos.offset + 1;
  }
  return out;
}

// A part for each partition, with a fate of its own: as an append to several leaders.
void uncertain_log::append(std::vector<log_record> batch, append_done done) {
  auto open = std::make_shared<open_append>();
  open->outcomes.resize(batch.size());
  open->done = std::move(done);
  std::map<uint32_t, std::vector<size_t>> places;
  for (size_t i = 0; i < batch.size(); ++i)
    places[batch[i].partition].push_back(i);
  open->parts = places.size();
  const uint32_t lane = places.size() == 1 ? uint32_t{agenda::reports} + places.begin()->first
                                           : uint32_t{agenda::free_lane};
  auto answer = [open](const std::vector<size_t>& at, std::vector<append_outcome> outcomes) {
    for (size_t i = 0; i < at.size(); ++i)
      open->outcomes[at[i]] = outcomes[i];
    if (--open->parts == 0)
      open->done(std::move(open->outcomes));
  };
  for (const auto& [partition, at] : places) {
    std::vector<log_record> part;
    for (const auto i : at)
      part.push_back(batch[i]);
    const auto what = works_.draw();
    if (what != fate::failed)
      works_.later(
          [this, part, at, answer, lane, answers = what == fate::fine] {
            auto outcomes = write(part);
            if (answers)
              works_.later([=] { answer(at, outcomes); }, lane);
          },
          agenda::log_lane);
    if (what == fate::fine)
      continue;
    const bool is_certain = what == fate::failed && works_.flip();
    const append_outcome failed{is_certain ? outcome::rejected : outcome::unknown,
                                is_certain ? works_.one_of(certain) : works_.one_of(uncertain),
                                {}};
    works_.later([=, n = at.size()] { answer(at, std::vector<append_outcome>(n, failed)); });
  }
}

void uncertain_log::produce(uint32_t partition, std::string value) {
  write({{partition, "k", std::move(value)}});
}

void uncertain_log::fetch(uint32_t partition, int64_t from, fetch_limits most, fetch_done done) {
  if (works_.draw() != fate::fine)
    return works_.later(
        [done = std::move(done)] { done(make_error(errc::log_unavailable, "so says the seed")); });
  inner_.fetch(partition, from, most, [this, done = std::move(done)](caf::expected<log_batch> x) {
    works_.later([done, x = std::move(x)]() mutable { done(std::move(x)); });
  });
}

void uncertain_log::look(uint32_t partition, int64_t offset, look_done done) {
  if (works_.draw() != fate::fine)
    return works_.later(
        [done = std::move(done)] { done(make_error(errc::log_unavailable, "so says the seed")); });
  works_.later([this, partition, offset, done = std::move(done)] {
    inner_.look(partition, offset, [this, done](caf::expected<log_view> x) {
      works_.later([done, x = std::move(x)]() mutable { done(std::move(x)); });
    });
  });
}

void uncertain_log::applied(uint32_t partition, int64_t below) {
  inner_.applied(partition, below);
}

void uncertain_log::drain() {
  if (seeded_bug("no-drain-flush"))
    return works_.drop_lane(agenda::log_lane);
  works_.run_lane(agenda::log_lane);
}

void uncertain_log::crash() {
  works_.cut_lane(agenda::log_lane);
}

void uncertain_log::leave_hole(uint32_t partition, int64_t count) {
  ends_[partition] += count;
  inner_.skip(partition, count);
}

} // namespace footfall::explorer
