#include "db/postgres/fold.hpp"

#include "db/postgres/statements.hpp"
#include "proto/failpoint.hpp"

namespace footfall::postgres {

namespace {

using namespace std::chrono_literals;

constexpr auto fold_time_max = 60s;

} // namespace

// The statement joins two lists of pages: nested loops would be quadratic there.
const char* fold_session() {
  return "SET lock_timeout = '2s'; SET enable_seqscan = off; SET enable_nestloop = off;"
         "SET work_mem = '32MB'";
}

caf::expected<fold_result> fold(connection& c, const std::string& topic, int32_t topic_no,
                                uint32_t partition, int64_t from, int64_t until) {
  fold_result out;
  if (until < from)
    return out;
  parameters values;
  values.add_text(topic);
  values.add_int4(static_cast<int32_t>(partition));
  values.add_int8(from);
  values.add_int8(until);
  values.add_int8((int64_t{topic_no} << 58) + (int64_t{partition} << 48));
  values.add_int8(int64_t{fold_records_max});
  auto rows = c.run(sql::fold, values, fold_time_max);
  for (int tries = 0; rows.state == "40P01" && tries < 3; ++tries)
    rows = c.run(sql::fold, values, fold_time_max);
  if (!rows.ok())
    return to_error(rows, "cannot fold partition " + std::to_string(partition));
  if (rows.rows() == 0)
    return out;
  failpoint("postgres.after_fold");
  out.moved = true;
  out.events = static_cast<uint64_t>(rows.int8(0, 0));
  const auto pages = rows.int4s(0, 2);
  const auto clicks = rows.int8s(0, 3);
  for (size_t i = 0; i < pages.size(); ++i)
    out.pages.push_back({pages[i], static_cast<uint64_t>(clicks[i])});
  return out;
}

} // namespace footfall::postgres
