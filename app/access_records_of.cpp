#include "app/access_records_of.hpp"

#include <cstdio>

#include "actors/model/time_text.hpp"
#include "actors/model/validate.hpp"
#include "app/access.hpp"
#include "app/cluster_options.hpp"
#include "app/log.hpp"
#include "net/http/access_text.hpp"
#include "proto/error.hpp"

namespace footfall::app {

constexpr int store_is_away = 3; // Of exit codes.

int failed(int code, const std::string& why) {
  std::fprintf(stderr, "footfall: %s\n", redact(why).c_str());
  return code;
}

int failed(const caf::error& why) {
  const bool is_away = code_of(why) == errc::store_unavailable || code_of(why) == errc::timeout;
  return failed(is_away ? store_is_away : 1, text_of(why));
}

int open_records(const access_options& options, std::unique_ptr<access_records>& out) {
  loaded_options all;
  if (auto bad = load_options(options.from, all); !bad.empty())
    return failed(2, bad);
  if (!has_store(all.values))
    return failed(2,
                  "this node has no database; do it where DATABASE_URL is given, or by /v1/keys, "
                  "/v1/sites and /v1/users of any node");
  auto opened = open_access(all.values);
  if (!opened) {
    const int code = failed(opened.error());
    if (code == store_is_away
        && (options.what == "revoke" || (options.what == "rm" && !options.id.empty())))
      std::fputs("a node that runs revokes it at once: DELETE /v1/keys/ID, or the settings of its "
                 "dashboard\n",
                 stderr);
    return code;
  }
  out = std::move(*opened);
  return 0;
}

std::string day_text(int64_t at_us) {
  return model::utc_text(at_us).substr(0, 10);
}

std::string check_options(const access_options& options, bool may_be_all) {
  if (auto bad = http::check_key_name(options.name); !bad.empty())
    return "--" + bad;
  if (options.site.empty() || (may_be_all && options.site == all_sites))
    return {};
  return model::validate_site_id(options.site).reason;
}

} // namespace footfall::app
