#include "net/kafka/range.hpp"

namespace footfall::kafka {

namespace {

struct list_deleter {
  void operator()(rd_kafka_topic_partition_list_t* x) const noexcept {
    rd_kafka_topic_partition_list_destroy(x);
  }
};
using list_ptr = std::unique_ptr<rd_kafka_topic_partition_list_t, list_deleter>;

/// The offset that belongs to a time, for several partitions.
struct question {
  rd_kafka_t* client;
  const std::string& topic;
  int64_t time;
  int64_t partition_range::*answer;
  const deadline& until;
};

void ask(const question& what, const std::vector<partition_range*>& of) {
  if (of.empty())
    return;
  const list_ptr list(rd_kafka_topic_partition_list_new(static_cast<int>(of.size())));
  for (const auto* x : of)
    rd_kafka_topic_partition_list_add(list.get(), what.topic.c_str(),
                                      static_cast<int32_t>(x->partition))
        ->offset = what.time;
  const auto error = rd_kafka_offsets_for_times(what.client, list.get(), what.until.left_ms());
  // An error of one partition is all that is told of the others.
  if (error && error != RD_KAFKA_RESP_ERR__TIMED_OUT && of.size() > 1) {
    const auto middle = of.begin() + static_cast<std::ptrdiff_t>(of.size() / 2);
    ask(what, {of.begin(), middle});
    ask(what, {middle, of.end()});
    return;
  }
  for (size_t i = 0; i < of.size(); ++i) {
    const auto& found = list->elems[i];
    of[i]->*what.answer = found.offset;
    of[i]->error = error ? error : found.err;
    if (!of[i]->error && found.offset < 0)
      of[i]->error = RD_KAFKA_RESP_ERR__BAD_MSG;
  }
}

std::vector<partition_range*> known(std::vector<partition_range>& all) {
  std::vector<partition_range*> out;
  for (auto& x : all)
    if (!x.error)
      out.push_back(&x);
  return out;
}

} // namespace

// rd_kafka_query_watermark_offsets would wait without a limit for a leader that is down
// (librdkafka 2.0.2; confluentinc/librdkafka 2588). To ask for the offset of a time waits no
// longer than it is told, and there are two times that mean the ends of the log.
void ask_ranges(rd_kafka_t* client, const std::string& topic, std::vector<partition_range>& all,
                std::chrono::milliseconds most) {
  const deadline until(most);
  ask({client, topic, RD_KAFKA_OFFSET_BEGINNING, &partition_range::first, until}, known(all));
  ask({client, topic, RD_KAFKA_OFFSET_END, &partition_range::end, until}, known(all));
}

} // namespace footfall::kafka
