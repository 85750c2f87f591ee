#include "db/postgres/servers.hpp"

#include <algorithm>
#include <cstdlib>
#include <memory>

#include <libpq-fe.h>

namespace footfall::postgres {

namespace {

server parse(const std::string& url) {
  server out;
  std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> all{
      PQconninfoParse(url.c_str(), nullptr), &PQconninfoFree};
  if (!all) {
    out.options["dbname"] = url;
    out.expand = true;
    return out;
  }
  for (const auto* x = all.get(); x->keyword; ++x)
    if (x->val && *x->val)
      out.options[x->keyword] = x->val;
  return out;
}

std::string option(const server& x, const char* name) {
  auto at = x.options.find(name);
  return at == x.options.end() ? std::string{} : at->second;
}

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> out;
  for (size_t from = 0; !list.empty() && from <= list.size();) {
    const auto comma = std::min(list.find(',', from), list.size());
    out.push_back(list.substr(from, comma - from));
    from = comma + 1;
  }
  return out;
}

} // namespace

pg_conn* server::start() const {
  // What the URL says wins.
  std::map<std::string, std::string> all{{"fallback_application_name", "footfall"},
                                         {"target_session_attrs", "read-write"},
                                         {"tcp_user_timeout", "10000"},
                                         {"keepalives_idle", "10"},
                                         {"keepalives_interval", "5"},
                                         {"keepalives_count", "2"}};
  for (const auto& [name, value] : options)
    all[name] = value;
  std::vector<const char*> names, values;
  for (const auto& [name, value] : all) {
    names.push_back(name.c_str());
    values.push_back(value.c_str());
  }
  names.push_back(nullptr);
  values.push_back(nullptr);
  return PQconnectStartParams(names.data(), values.data(), expand);
}

std::vector<server> servers_of(const std::string& url) {
  auto all = parse(url);
  if (const auto seconds = std::atoi(option(all, "connect_timeout").c_str()); seconds > 0)
    all.patience = std::chrono::seconds{std::min(seconds, 60)};
  const auto count =
      std::max(split(option(all, "host")).size(), split(option(all, "hostaddr")).size());
  std::vector<server> out(std::max<size_t>(count, 1), all);
  for (const char* name : {"host", "hostaddr", "port"}) {
    const auto list = split(option(all, name));
    if (list.size() < 2)
      continue; // One for all.
    if (list.size() != count)
      return {all}; // libpq says so.
    for (size_t i = 0; i < count; ++i)
      out[i].options[name] = list[i]; // An empty one is none to libpq: its default.
  }
  return out;
}

} // namespace footfall::postgres
