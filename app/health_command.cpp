#include "app/health_command.hpp"

#include <chrono>
#include <cstdio>

#include "app/client_http.hpp"

namespace footfall::app {

int run_health(const health_options& options) {
  if (options.live && !options.role.empty()) {
    std::fprintf(stderr, "footfall: --role is for whether it is ready; leave out --live\n");
    return 2;
  }
  std::string error;
  auto client = client_http::make(options.url, std::chrono::seconds{2}, error);
  if (!client) {
    std::fprintf(stderr, "footfall: %s\n", error.c_str());
    return 2;
  }
  std::string target = options.live ? "/healthz" : "/readyz";
  if (!options.role.empty())
    target += "?role=" + url_encode(options.role);
  const auto answer = client->get(target);
  if (answer.status != 200)
    return explain_failure(answer);
  std::puts(options.live ? "live" : "ready");
  return 0;
}

} // namespace footfall::app
