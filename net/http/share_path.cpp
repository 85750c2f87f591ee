#include "net/http/share_path.hpp"

#include <algorithm>

#include "actors/model/access_key.hpp"

namespace footfall::http {

namespace {

constexpr std::string_view before = "/s/";
constexpr std::string_view any = "/s/{token}";
constexpr std::string_view questions[] = {
    "/s/{token}/v1/live",           "/s/{token}/v1/session",      "/s/{token}/v1/stats/active",
    "/s/{token}/v1/stats/page",     "/s/{token}/v1/stats/series", "/s/{token}/v1/stats/summary",
    "/s/{token}/v1/stats/top-pages"};
constexpr std::string_view screens[] = {"", "/", "/page", "/live"};

} // namespace

share_path read_share_path(std::string_view path) {
  if (!path.starts_with(before))
    return {};
  path.remove_prefix(before.size());
  const auto end = std::min(path.find('/'), path.size());
  const auto token = path.substr(0, end);
  return model::is_share_token(token) ? share_path{token, path.substr(end)} : share_path{};
}

std::string_view shared_question(std::string_view below) {
  const auto* found = std::find_if(std::begin(questions), std::end(questions),
                                   [&](auto x) { return x.substr(any.size()) == below; });
  return found == std::end(questions) ? std::string_view{} : *found;
}

bool is_shared_screen(std::string_view below) {
  return std::find(std::begin(screens), std::end(screens), below) != std::end(screens);
}

} // namespace footfall::http
