#pragma once

#include <functional>
#include <string>
#include <vector>

#include "actors/ports/store.hpp"
#include "db/postgres/lane.hpp"

namespace footfall::postgres {

/// Session settings of the connections that read.
const char* read_session();

/// Reads column `column` and the next one of the first row as `reached`.
std::vector<position> read_reached(const result& rows, int column);

/// Reads the counts of pairs. Jobs that wait together become one statement.
class counts_job final : public job {
public:
  using done = store::done<snapshot<pair_count>>;
  counts_job(std::string topic, std::vector<pair_key> keys, done reply);
  bool run(connection& c, bool last_try) override;
  void fail(caf::error why) override;
  bool absorb(job& other) override;

private:
  struct asker {
    size_t count;
    done reply;
  };
  std::string topic_;
  std::vector<pair_key> keys_;
  std::vector<asker> askers_;
};

/// Reads whole pages in one snapshot.
caf::expected<snapshot<page_load>> load_pages(connection& c, const std::string& topic,
                                              const std::vector<page_key>& keys,
                                              int32_t first_minute, uint32_t users_max);

} // namespace footfall::postgres
