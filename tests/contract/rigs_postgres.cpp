#include "tests/contract/rigs_postgres.hpp"

#include <atomic>
#include <stdexcept>

#include <libpq-fe.h>
#include <unistd.h>

#include "db/postgres/postgres_store.hpp"

namespace footfall::test {

namespace {

/// `url` with another database, in libpq's keyword form.
std::string with_database(const std::string& url, const std::string& name) {
  char* why = nullptr;
  auto* options = PQconninfoParse(url.c_str(), &why);
  if (!options)
    throw std::runtime_error("FOOTFALL_TEST_POSTGRES is not a libpq URL: " + std::string(why));
  std::string out;
  for (auto* x = options; x->keyword; ++x)
    if (x->val && *x->val && std::string{x->keyword} != "dbname")
      out += std::string(x->keyword) + "='" + x->val + "' ";
  PQconninfoFree(options);
  return out + "dbname='" + name + "'";
}

class postgres_store_rig final : public store_rig {
public:
  explicit postgres_store_rig(const std::string& admin) : database_(admin) {}

  std::unique_ptr<store> open() override {
    postgres_config settings;
    settings.url = database_.url();
    settings.waiting_max = waiting_max();
    auto out = postgres_store::open(settings);
    if (!out)
      throw std::runtime_error(text_of(out.error()));
    return std::move(*out);
  }
  bool is_shared() const override { return true; }
  size_t waiting_max() const override { return 64; }
  bool keep() override {
    database_.keep();
    return true;
  }
  void go_back() override { database_.go_back(); }

private:
  scratch_database database_;
};

} // namespace

scratch_database::scratch_database(std::string admin) : admin_(std::move(admin)) {
  static std::atomic<int> made{0};
  name_ = "footfall_test_" + std::to_string(getpid()) + "_" + std::to_string(++made);
  url_ = with_database(admin_, name_);
  run_at(admin_, "CREATE DATABASE " + name_ + " TEMPLATE template0 ENCODING 'UTF8'");
}

scratch_database::~scratch_database() {
  try {
    run_at(admin_, "DROP DATABASE IF EXISTS " + name_ + " WITH (FORCE)");
  } catch (const std::exception&) {
    // A server that the test ended takes its databases along.
  }
}

void scratch_database::keep() const {
  run("DROP SCHEMA IF EXISTS kept CASCADE; CREATE SCHEMA kept;"
      "CREATE TABLE kept.sequences AS SELECT schemaname, sequencename, coalesce(last_value, 0) AS n"
      "  FROM pg_sequences;"
      "DO $$ DECLARE t record; BEGIN"
      "  FOR t IN SELECT * FROM pg_tables WHERE schemaname IN ('core', 'public') LOOP"
      "    EXECUTE format('CREATE TABLE kept.%I AS TABLE %I.%I', t.schemaname || '.' || "
      "t.tablename,"
      "                   t.schemaname, t.tablename);"
      "  END LOOP; END $$");
}

// All at once, as PostgreSQL shows a backup that was read back in.
void scratch_database::go_back() const {
  run("SET session_replication_role = replica;" // No trigger does it once more.
      "DO $$ DECLARE t record; BEGIN"
      "  FOR t IN SELECT * FROM pg_tables WHERE schemaname IN ('core', 'public') LOOP"
      "    EXECUTE format('TRUNCATE %I.%I', t.schemaname, t.tablename);"
      "    EXECUTE format('INSERT INTO %I.%I OVERRIDING SYSTEM VALUE TABLE kept.%I', t.schemaname,"
      "                   t.tablename, t.schemaname || '.' || t.tablename);"
      "  END LOOP;"
      "  FOR t IN SELECT * FROM kept.sequences LOOP"
      "    PERFORM setval(format('%I.%I', t.schemaname, t.sequencename)::regclass,"
      "                   greatest(t.n, 1), t.n > 0);"
      "  END LOOP; END $$");
}

std::string scratch_database::run_at(const std::string& url, const std::string& sql) {
  std::unique_ptr<PGconn, void (*)(PGconn*)> c{PQconnectdb(url.c_str()), PQfinish};
  std::unique_ptr<PGresult, void (*)(PGresult*)> rows{PQexec(c.get(), sql.c_str()), PQclear};
  const auto status = PQresultStatus(rows.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
    throw std::runtime_error(sql + ": " + PQerrorMessage(c.get()));
  return PQntuples(rows.get()) > 0 ? PQgetvalue(rows.get(), 0, 0) : "";
}

std::unique_ptr<store_rig> make_postgres_store_rig(const std::string& admin) {
  return std::make_unique<postgres_store_rig>(admin);
}

} // namespace footfall::test
