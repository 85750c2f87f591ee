#include "app/access.hpp"

#include <boost/asio/ip/address.hpp>

#include "app/data_lock.hpp"
#include "db/postgres/access_tables.hpp"
#include "db/sqlite/access_file.hpp"
#include "proto/error.hpp"

namespace footfall::app {

bool asks_for_keys(const settings& from, const std::string& address) {
  if (from.auth != "auto")
    return from.auth == "on";
  boost::system::error_code ec;
  const auto where = boost::asio::ip::make_address(address, ec);
  return ec || !where.is_loopback();
}

bool asks_for_keys(const settings& from) {
  return asks_for_keys(from, from.bind) || asks_for_keys(from, from.admin_bind);
}

caf::expected<std::unique_ptr<access_records>> open_access(const settings& from) {
  if (!from.database_url.empty())
    return open_postgres_access(from.database_url);
  if (auto bad = prepare_data_folder(from.data_dir))
    return bad;
  return open_sqlite_access(from.data_dir);
}

std::string no_key_text(const settings& from) {
  const auto where = from.database_url.empty() ? " --data-dir " + from.data_dir
                                               : std::string{"  (with the same DATABASE_URL)"};
  const auto address = asks_for_keys(from, from.bind) ? from.bind : from.admin_bind;
  return "at " + address
         + " anybody in the network could ask, so keys are asked for, and there is none. Make "
           "two, and start again:\n"
           "  footfall key add --site '*' --role admin"
         + where
         + "\n"
           "  footfall key add --site default --role ingest"
         + where
         + "\n"
           "Or let everybody who reaches the node in: --auth off";
}

} // namespace footfall::app
