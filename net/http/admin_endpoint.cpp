#include <algorithm>
#include <charconv>
#include <cstdio>

#include "actors/model/time_text.hpp"
#include "net/http/actor_list.hpp"
#include "net/http/audit_text.hpp"
#include "net/http/bad_event_list.hpp"
#include "net/http/exchange.hpp"
#include "net/http/json_text.hpp"
#include "net/http/member_list.hpp"
#include "net/http/partition_list.hpp"
#include "net/http/states_text.hpp"

namespace footfall::http {

namespace {

constexpr std::string_view paths =
    "known are /healthz, /readyz, /metrics, /version, /actors, "
    "/actors/{id}, /actors/{node}/{id}, /cluster, /admin/audit, /admin/bad-events, "
    "/admin/bad-events/redrive, /admin/partitions, "
    "/admin/partitions/skip, /admin/partitions/new-generation";
constexpr std::string_view no_store = "Cache-Control: no-store\r\n";

enum admin_kind {
  healthz = 1,
  readyz,
  version,
  metrics_text,
  actors,
  one_actor,
  cluster,
  audit,
  bad_events,
  redrive,
  partitions,
  skip,
  new_generation
};

int kind_of(std::string_view path) {
  constexpr std::pair<std::string_view, admin_kind> known[] = {
      {"/healthz", healthz},
      {"/readyz", readyz},
      {"/version", version},
      {"/actors", actors},
      {"/cluster", cluster},
      {"/metrics", metrics_text},
      {"/admin/audit", audit},
      {"/admin/bad-events", bad_events},
      {"/admin/bad-events/redrive", redrive},
      {"/admin/partitions", partitions},
      {"/admin/partitions/skip", skip},
      {"/admin/partitions/new-generation", new_generation}};
  for (const auto& [name, kind] : known)
    if (name == path)
      return kind;
  return path.substr(0, 8) == "/actors/" ? one_actor : 0;
}

bool is_change(int kind) {
  return kind == redrive || kind == skip || kind == new_generation;
}

bool is_wrong_method(const request& x, int kind) {
  if (is_change(kind))
    return x.verb != method::post;
  return x.verb != method::get && x.verb != method::head;
}

/// `"ready":...,"roles":{...},"lag_seconds":[...]`, one for each partition.
std::string health_members(const node_health& x) {
  std::string out = "\"live\":";
  out += x.live ? "true" : "false";
  out += ",\"ready\":";
  out += x.ready ? "true" : "false";
  out += ",\"draining\":";
  out += x.draining ? "true" : "false";
  append_states(out, "roles", x.roles);
  out += ",\"lag_seconds\":[";
  for (auto lag_us : x.lags_us) {
    if (out.back() != '[')
      out += ',';
    char text[32];
    out.append(text, static_cast<size_t>(std::snprintf(text, sizeof text, "%.3f",
                                                       static_cast<double>(lag_us) / 1e6)));
  }
  out += ']';
  if (!x.dependencies.empty())
    append_states(out, "dependencies", x.dependencies);
  return out;
}

std::string reasons(const node_health& x, const std::string& role) {
  std::string out = x.draining ? "the node drains" : "the node is not ready";
  if (!role.empty())
    out += " for " + role;
  for (const auto& [name, state] : role.empty() ? x.roles : x.faults_of(role))
    if (state != "ok")
      out += "; " + name + ": " + state;
  return out;
}

class admin_endpoint final : public endpoint {
public:
  admin_endpoint(request_handler& handler, now_fn now) : handler_(handler), now_(std::move(now)) {}

  void start(exchange& x) override {
    x.pending.kind = kind_of(x.in->path());
    if (x.pending.kind == 0)
      return x.refuse(not_found(paths));
    if (is_wrong_method(*x.in, x.pending.kind))
      return x.refuse(wrong_method(is_change(x.pending.kind) ? "POST" : "GET, HEAD"));
    if (auto bad = params_.parse(x.in->query()); !bad.empty())
      return x.refuse(invalid(std::move(bad)));
    if (x.pending.kind == readyz)
      return start_readyz(x);
    if (x.pending.kind != actors && x.pending.kind != audit && x.pending.kind != bad_events
        && x.pending.kind != redrive && x.pending.kind != skip)
      if (auto bad = params_.check_names({}); !bad.empty())
        return x.refuse(invalid("the path takes no query parameters; leave them out"));
    switch (x.pending.kind) {
    case healthz:
    case cluster: return handler_.health(x.done);
    case version: return x.answer(200, json_type, no_store, version_body());
    case metrics_text: return x.answer(200, metrics_type, no_store, handler_.metrics());
    case audit: return start_audit(x);
    case one_actor: return start_actor(x);
    case bad_events: return start_bad_events(x);
    case redrive: return start_redrive(x);
    case partitions: return handler_.partitions(x.done);
    case skip: return start_skip(x);
    case new_generation: return start_new_generation(x);
    default: return start_actors(x);
    }
  }

  void finish(exchange& x, completion_value value) override {
    if (auto* health = std::get_if<node_health>(&value)) {
      for (auto* states : {&health->roles, &health->dependencies})
        for (auto& [name, state] : *states)
          state = one_line(state);
      return finish_health(x, *health);
    }
    if (auto* detail = std::get_if<actor_detail>(&value))
      return finish_rendered(x, *detail, [](const auto& y) { return render(y); });
    if (auto* reply = std::get_if<audit_reply>(&value))
      return finish_rendered(x, *reply, [](const auto& y) { return render(y); });
    if (auto* reply = std::get_if<bad_events_reply>(&value))
      return finish_rendered(x, *reply, [](const auto& y) { return render(y.page); });
    if (auto* reply = std::get_if<redrive_reply>(&value))
      return finish_rendered(x, *reply, [](const auto& y) { return render(y); });
    if (auto* reply = std::get_if<partitions_reply>(&value))
      return finish_rendered(x, *reply, [](const auto& y) { return render(y); });
    if (auto* reply = std::get_if<partition_reply>(&value))
      return finish_rendered(x, *reply, [](const auto& y) { return render(y); });
    if (auto* reply = std::get_if<actors_reply>(&value))
      return finish_actors(x, *reply);
    x.refuse(problem_of(errc::internal, "the answer was of another kind"));
  }

  /// Health tells nothing that a key would be for, and whoever probes has none.
  model::access_need needs(const request& x) const override {
    const int kind = kind_of(x.path());
    if (kind == 0 || kind == healthz || kind == readyz || kind == version)
      return model::access_need::nothing;
    return kind == metrics_text ? model::access_need::all_read : model::access_need::all_admin;
  }

  bool refuses_head(const request& x) const override {
    const int kind = kind_of(x.path());
    return kind == 0 || is_wrong_method(x, kind);
  }

private:
  static std::string version_body() {
    return "{\"name\":\"footfall\",\"version\":\"" FOOTFALL_VERSION "\"}\n";
  }

  void start_readyz(exchange& x) {
    if (auto bad = params_.check_names({"role"}); !bad.empty())
      return x.refuse(invalid(std::move(bad)));
    if (const auto* role = params_.find("role")) {
      if (std::find(std::begin(role_names), std::end(role_names), *role) == std::end(role_names))
        return x.refuse(invalid("role is unknown; give gateway, ingest, aggregate or query"));
      x.pending.text = *role;
    }
    handler_.health(x.done);
  }

  void start_actors(exchange& x) {
    actor_list list;
    if (auto bad = list.read(params_); !bad.empty())
      return x.refuse(invalid(std::move(bad)));
    x.pending.text = x.in->query();
    handler_.actors(list.ask(), x.done);
  }

  void finish_actors(exchange& x, actors_reply& reply) {
    // Requests of other connections came in between: read the parameters again.
    actor_list list;
    auto bad = params_.parse(x.pending.text);
    if (bad.empty())
      bad = list.read(params_);
    if (!bad.empty())
      return x.refuse(invalid(std::move(bad)));
    finish_rendered(x, reply, [&](auto& y) { return list.render(y); });
  }

  void start_actor(exchange& x) {
    auto text = x.in->path().substr(8);
    std::string node;
    if (const auto slash = text.find('/'); slash != std::string_view::npos) {
      node = text.substr(0, slash);
      text.remove_prefix(slash + 1);
    }
    uint64_t id = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), id);
    if (read.ec != std::errc{} || read.ptr != text.data() + text.size())
      return x.refuse(invalid("the id of the actor is not a number; /actors lists them"));
    handler_.actor(std::move(node), id, x.done);
  }

  void start_audit(exchange& x) {
    audit_ask ask;
    if (auto bad = read_audit_ask(params_, ask); !bad.empty())
      return x.refuse(invalid(std::move(bad)));
    handler_.audit(ask, x.done);
  }

  void start_bad_events(exchange& x) {
    bad_events_ask ask;
    if (auto bad = read_bad_events_ask(params_, ask); !bad.empty())
      return x.refuse(invalid(std::move(bad)));
    handler_.bad_events(ask, x.done);
  }

  void start_redrive(exchange& x) {
    redrive_ask ask;
    // What stands in a body would be passed over, and all re-driven.
    if (!x.in->body.empty())
      return x.refuse(invalid("the path takes query parameters and no body"));
    if (auto bad = read_redrive_ask(params_, ask); !bad.empty())
      return x.refuse(invalid(std::move(bad)));
    handler_.redrive(std::move(ask), x.done);
  }

  void start_skip(exchange& x) {
    uint32_t partition = 0;
    int64_t to = 0;
    if (!x.in->body.empty())
      return x.refuse(invalid("the path takes query parameters and no body"));
    if (auto bad = read_skip(params_, partition, to); !bad.empty())
      return x.refuse(invalid(std::move(bad)));
    handler_.skip(partition, to, x.done);
  }

  void start_new_generation(exchange& x) {
    if (!x.in->body.empty())
      return x.refuse(invalid("the path takes no body"));
    handler_.new_generation(x.done);
  }

  template <class Reply, class Render>
  void finish_rendered(exchange& x, Reply& reply, Render render) {
    if (reply.code != errc::none)
      return x.refuse(problem_of(reply.code, reply.reason));
    x.answer(200, json_type, no_store, render(reply));
  }

  void finish_health(exchange& x, const node_health& health) {
    if (x.pending.kind == cluster)
      return x.answer(200, json_type, no_store,
                      "{\"nodes\":[{\"self\":true,\"version\":\"" FOOTFALL_VERSION "\",\"at\":\""
                          + model::utc_text(now_()) + "\"," + health_members(health)
                          + members_of_self(health) + "}" + other_members(health) + "]"
                          + unowned_member(health) + "}\n");
    const auto& role = x.pending.text;
    const bool ready = role.empty() ? health.ready : health.faults_of(role).empty();
    const bool good = x.pending.kind == healthz ? health.live : ready && !health.draining;
    if (good)
      return x.answer(200, json_type, no_store, '{' + health_members(health) + "}\n");
    problem bad{503, x.pending.kind == healthz ? "not_live" : "not_ready", reasons(health, role),
                true};
    bad.members = ',' + health_members(health);
    x.refuse(bad);
  }

  request_handler& handler_;
  now_fn now_;
  query_params params_;
};

} // namespace

std::unique_ptr<endpoint> make_admin_endpoint(request_handler& handler, now_fn now) {
  return std::make_unique<admin_endpoint>(handler, std::move(now));
}

} // namespace footfall::http
