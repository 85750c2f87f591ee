#pragma once

#include "net/kafka/client.hpp"

namespace footfall::kafka {

/// What the log holds of a partition, as the partition's leader says.
struct partition_range {
  uint32_t partition = 0;
  rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR; ///< Why it is not known.
  int64_t first = -1;
  int64_t end = -1; ///< One past the last offset.
};

/// Asks for the ranges of `all`, which have one leader; blocks, no longer than `most`.
void ask_ranges(rd_kafka_t* client, const std::string& topic, std::vector<partition_range>& all,
                std::chrono::milliseconds most);

} // namespace footfall::kafka
