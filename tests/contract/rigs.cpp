#include "tests/contract/rigs.hpp"

#include <cstdio>
#include <cstdlib>

#include "tests/contract/rigs_kafka.hpp"
#include "tests/contract/rigs_memory.hpp"
#include "tests/contract/rigs_postgres.hpp"
#include "tests/contract/rigs_redis.hpp"
#include "tests/contract/rigs_sqlite.hpp"

namespace footfall::test {

namespace {

/// Takes `maker` in when the variable that names its server is set.
template <class Rig, class Make>
[[maybe_unused]] void add_server(std::vector<rig_maker<Rig>>& to, const char* name,
                                 const char* variable, Make make) {
  const char* address = std::getenv(variable);
  if (address && *address)
    to.push_back({name, [make, text = std::string{address}] { return make(text); }});
  else
    std::fprintf(stderr, "%s: not run (%s is not set)\n", name, variable);
}

} // namespace

const std::vector<rig_maker<log_rig>>& log_rigs() {
  static const auto all = [] {
    std::vector<rig_maker<log_rig>> out;
    out.push_back({"memory_log", make_memory_log_rig});
    out.push_back({"sqlite_log", make_sqlite_log_rig});
    add_server(out, "kafka_log", "FOOTFALL_TEST_KAFKA", make_kafka_log_rig);
    return out;
  }();
  return all;
}

const std::vector<rig_maker<store_rig>>& store_rigs() {
  static const auto all = [] {
    std::vector<rig_maker<store_rig>> out;
    out.push_back({"memory_store", make_memory_store_rig});
    add_server(out, "postgres_store", "FOOTFALL_TEST_POSTGRES", make_postgres_store_rig);
    out.push_back({"sqlite_store", make_sqlite_store_rig});
    return out;
  }();
  return all;
}

const std::vector<rig_maker<cache_rig>>& cache_rigs() {
  static const auto all = [] {
    std::vector<rig_maker<cache_rig>> out;
    out.push_back({"memory_cache", make_memory_cache_rig});
    add_server(out, "redis_cache", "FOOTFALL_TEST_REDIS", make_redis_cache_rig);
    return out;
  }();
  return all;
}

} // namespace footfall::test
