#include "app/environment.hpp"

#include <algorithm>
#include <regex>

#include "app/addresses.hpp"
#include "app/nearest_name.hpp"
#include "app/options.hpp"

namespace footfall::app {
namespace {

constexpr size_t names_most = 10;

/// Every variable that means something to the program or its tests.
std::vector<std::string> known_names() {
  std::vector<std::string> out{"FOOTFALL_CONFIG", "FOOTFALL_FAILPOINT", "FOOTFALL_CLOCK_OFFSET_S",
                               "FOOTFALL_BINARY", "FOOTFALL_BROKEN"};
  for (const auto& spec : option_table()) {
    out.emplace_back(spec.environment);
    if (holds_secret(spec))
      out.push_back(std::string{spec.environment} + "_FILE");
  }
  return out;
}

bool is_ours(std::string_view name) {
  for (std::string_view prefix : {"FOOTFALL_", "KAFKA_", "REDIS_", "DATABASE_"})
    if (name.rfind(prefix, 0) == 0)
      return name.rfind("FOOTFALL_TEST_", 0) != 0;
  return false;
}

/// REDIS_SERVICE_HOST, REDIS_PORT_6379_TCP_ADDR and REDIS_PORT=tcp://10.0.0.1:6379.
bool is_of_a_service(const std::string& name, std::string_view value) {
  static const std::regex form{".*_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|"
                               "PORT_[0-9]+_(TCP|UDP|SCTP)(_(ADDR|PORT|PROTO))?|ENV_.*)"};
  return is_service_link(value) || std::regex_match(name, form);
}

/// What people call it elsewhere.
std::string meant_by(const std::string& name, const std::vector<std::string>& known) {
  constexpr std::pair<const char*, const char*> others[] = {
      {"REDIS_URL", "REDIS_ADDR"},
      {"REDIS_URI", "REDIS_ADDR"},
      {"REDIS_USER", "REDIS_USERNAME"},
      {"KAFKA_BOOTSTRAP_SERVERS", "KAFKA_BROKER"},
      {"KAFKA_SASL_USER", "KAFKA_SASL_USERNAME"}};
  for (const auto& [theirs, ours] : others)
    if (name == theirs)
      return ours;
  return nearest_name(name, known);
}

std::string list_of(const std::vector<std::string>& names) {
  std::string out;
  for (size_t i = 0; i < names.size() && i < names_most; ++i)
    out += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > names_most)
    out += " and " + std::to_string(names.size() - names_most) + " more";
  return out;
}

} // namespace

std::vector<std::string> environment_notes(const std::vector<std::string_view>& entries) {
  const auto known = known_names();
  std::vector<std::string> notes, services, others;
  for (auto entry : entries) {
    const std::string name{entry.substr(0, entry.find('='))};
    const auto value = entry.substr(std::min(entry.size(), name.size() + 1));
    if (!is_ours(name))
      continue;
    const bool is_known = std::find(known.begin(), known.end(), name) != known.end();
    if (is_of_a_service(name, value))
      services.push_back(name);
    else if (is_known)
      continue;
    else if (auto meant = meant_by(name, known); !meant.empty())
      notes.push_back("the variable " + name + " is not known and sets nothing; did you mean "
                      + meant + "?");
    else
      others.push_back(name);
  }
  if (!others.empty())
    notes.push_back("variables that are not known and set nothing: " + list_of(others));
  if (!services.empty())
    notes.push_back("variables that Kubernetes or Docker made for a service set nothing here: "
                    + list_of(services));
  return notes;
}

} // namespace footfall::app
