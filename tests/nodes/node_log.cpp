#include "tests/nodes/node_log.hpp"

#include <algorithm>

#include "actors/model/record.hpp"

namespace footfall::nodes {

using explorer::agenda;
using explorer::fate;

position common_log::write(log_record x) {
  const position out{x.partition, end_of(x.partition)};
  auto& slice = slices[x.partition];
  slice.push_back({out.offset, now(), record_format::protobuf, std::move(x.value)});
  event_row row;
  if (model::decode_record(slice.back(), row).empty())
    events[{out.partition, out.offset}] = std::move(row);
  return out;
}

node_log::node_log(common_log& inner, agenda& works) : inner_(inner), works_(works) {
  inner_.readers.push_back(this);
}

node_log::~node_log() {
  std::erase(inner_.readers, this);
}

void node_log::append(std::vector<log_record> batch, append_done done) {
  const auto what = works_.draw();
  const auto count = batch.size();
  if (what != fate::failed)
    works_.later(
        [this, batch = std::move(batch), done, answers = what == fate::fine] {
          std::vector<append_outcome> outcomes;
          std::vector<uint32_t> touched;
          for (const auto& x : batch) {
            outcomes.push_back({outcome::accepted, errc::none, inner_.write(x)});
            touched.push_back(x.partition);
          }
          for (const auto partition : touched)
            for (auto* reader : inner_.readers)
              reader->serve(partition);
          if (answers)
            works_.later([done, outcomes] { done(outcomes); }, agenda::reports);
        },
        agenda::log_lane);
  if (what == fate::fine)
    return;
  const bool is_certain = what == fate::failed;
  const append_outcome failed{is_certain ? outcome::rejected : outcome::unknown,
                              is_certain ? errc::overloaded : errc::timeout,
                              {}};
  works_.later([=] { done(std::vector<append_outcome>(count, failed)); });
}

log_batch node_log::read(uint32_t partition, int64_t from, fetch_limits most) const {
  const auto& slice = inner_.slices[partition];
  const auto end = std::min(inner_.end_of(partition), from + int64_t{most.records});
  log_batch out;
  out.partition = partition;
  out.first_offset = from;
  out.next_offset = end;
  out.end_offset = inner_.end_of(partition);
  out.entries.assign(slice.begin() + from, slice.begin() + end);
  return out;
}

void node_log::answer_late(fetch_done done, caf::expected<log_batch> x) {
  works_.later([done = std::move(done), x = std::move(x)] { done(x); });
}

void node_log::fetch(uint32_t partition, int64_t from, fetch_limits most, fetch_done done) {
  close(partition);
  if (works_.draw() != fate::fine)
    return answer_late(std::move(done), make_error(errc::log_unavailable, "so says the seed"));
  if (from > inner_.end_of(partition))
    return answer_late(std::move(done), make_error(errc::gap, "beyond the end"));
  waiting_[partition] = {from, most, std::move(done)};
  serve(partition);
}

void node_log::serve(uint32_t partition) {
  const auto at = waiting_.find(partition);
  if (at == waiting_.end() || at->second.from >= inner_.end_of(partition))
    return;
  auto x = std::move(at->second);
  waiting_.erase(at);
  answer_late(std::move(x.done), read(partition, x.from, x.most));
}

void node_log::look(uint32_t partition, int64_t offset, look_done done) {
  if (works_.draw() != fate::fine)
    return works_.later(
        [done = std::move(done)] { done(make_error(errc::log_unavailable, "so says the seed")); });
  works_.later([this, partition, offset, done = std::move(done)] {
    log_view out;
    out.identity = "log=shared";
    out.first = 0;
    out.end = inner_.end_of(partition);
    if (offset >= 0 && offset < out.end)
      out.at.push_back(inner_.slices[partition][static_cast<size_t>(offset)]);
    done(std::move(out));
  });
}

void node_log::close(uint32_t partition) {
  const auto at = waiting_.find(partition);
  if (at == waiting_.end())
    return;
  auto x = std::move(at->second);
  waiting_.erase(at);
  answer_late(std::move(x.done), make_error(errc::timeout, "another fetch"));
}

} // namespace footfall::nodes
