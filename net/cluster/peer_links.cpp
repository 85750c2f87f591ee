#include "net/cluster/peer_links.hpp"

#include <charconv>
#include <map>
#include <mutex>
#include <random>

#include <caf/all.hpp>
#include <caf/io/all.hpp>
#include <caf/io/basp_broker.hpp>

#include "proto/error.hpp"

namespace footfall::cluster {

namespace {

using namespace std::chrono_literals;

/// A link that is silent for as long has ended; both sides must have the same.
constexpr caf::timespan heartbeat{400ms};
constexpr caf::timespan silence{1500ms};
constexpr auto patience = 1500ms;

/// Nodes on one machine, or in containers, would take the same identity from what CAF looks at;
/// and a process that starts again would take that of the one before.
class random_identity : public caf::actor_system::module {
public:
  explicit random_identity(caf::actor_system& system) : system_(system) {}
  void init(caf::actor_system_config&) override {
    std::random_device random;
    caf::node_id::default_data::host_id_type host;
    for (auto& byte : host)
      byte = static_cast<uint8_t>(random());
    const_cast<caf::node_id&>(system_.node()) = caf::make_node_id(random() | 1U, host);
  }
  void start() override {}
  void stop() override {}
  id_t id() const override { return network_manager; } // A place that nobody else takes.
  void* subtype_ptr() override { return this; }
  static module* make(caf::actor_system& system, caf::detail::type_list<>) {
    return new random_identity(system);
  }

private:
  caf::actor_system& system_;
};

/// What is published, as long as the process lives: leads whoever comes in to MEMBERSHIP.
caf::behavior door(caf::event_based_actor* self, std::function<caf::strong_actor_ptr()> behind) {
  self->set_default_handler(caf::drop);
  return {[behind](caf::get_atom) { return behind(); }};
}

caf::error failure(std::string text) {
  return make_error(errc::internal, std::move(text));
}

} // namespace

struct tunnel_links::shared : std::enable_shared_from_this<shared> {
  explicit shared(caf::actor_system& x) : system(x) {}

  caf::actor_system& system;
  caf::actor door;
  bool certified = false; ///< All have shown certificates.
  uint16_t inner_port = 0;
  std::mutex mutex; ///< The two that follow.
  caf::strong_actor_ptr membership;
  std::map<uint64_t, link_info> links;
  std::mutex way_mutex;        ///< Of the next.
  std::unique_ptr<tunnel> way; ///< Gone first; what is asked of CAF may be answered later.

  caf::strong_actor_ptr behind_door() {
    std::lock_guard guard{mutex};
    return membership;
  }
  void cut(uint64_t link) {
    std::lock_guard guard{way_mutex};
    if (way)
      way->cut(link);
  }
  void opened(const link_info& x) {
    std::lock_guard guard{mutex};
    links[x.id] = x;
  }
  void ended(uint64_t link) {
    std::lock_guard guard{mutex};
    links.erase(link);
  }
  void find(caf::strong_actor_ptr other, done<peer_way> reply);
  void ask_door(const link_info& link, done<peer_way> reply);
  void check(const link_info& link, const caf::strong_actor_ptr& there, done<peer_way> reply);
};

// CAF knows the connection of a node, and the port at its other end, which is the tunnel's; the
// tunnel knows whose that is.
void tunnel_links::shared::find(caf::strong_actor_ptr other, done<peer_way> reply) {
  auto look = [x = shared_from_this(), other = std::move(other), reply = std::move(reply)] {
    auto& middleman = x->system.middleman();
    const auto broker = middleman.named_broker<caf::io::basp_broker>(caf::atom("BASP"));
    auto& basp = *static_cast<caf::io::basp_broker*>(caf::actor_cast<caf::abstract_actor*>(broker));
    const auto hop = basp.instance.tbl().lookup_direct(other->node());
    if (!hop)
      return reply(failure("its link has ended"));
    const auto port = basp.remote_port(*hop);
    std::unique_lock lock{x->mutex};
    for (const auto& [id, link] : x->links)
      if (link.inner_port == port) {
        const peer_way out{id, other, x->certified, link.names};
        lock.unlock();
        return reply(out);
      }
    lock.unlock();
    reply(failure("it has not come in by the cluster's port"));
  };
  system.middleman().backend().post(std::move(look));
}

// Asks CAF for the actor behind a loopback port, and that one for its MEMBERSHIP. Whatever
// fails, the connection is there by then and would stay: the link is cut.
void tunnel_links::shared::ask_door(const link_info& link, done<peer_way> reply) {
  auto fail = [x = shared_from_this(), link, reply](const std::string& why) {
    x->cut(link.id);
    reply(failure(why));
  };
  auto run = [x = shared_from_this(), link, reply, fail](caf::event_based_actor* self, int) {
    auto connected = [=](const caf::node_id&, const caf::strong_actor_ptr& found,
                         const std::set<std::string>&) {
      if (!found)
        return fail("what answers there is no node of a cluster");
      self->request(caf::actor_cast<caf::actor>(found), patience, caf::get_atom_v)
          .then(
              [=](const caf::strong_actor_ptr& there) {
                if (there)
                  x->check(link, there, reply);
                else
                  fail("the node starts; it is dialled again");
              },
              [=](const caf::error& e) { fail("the node does not answer (" + text_of(e) + ")"); });
    };
    self->request(self->system().middleman().actor_handle(), 2 * patience, caf::connect_atom_v,
                  std::string{"127.0.0.1"}, link.inner_port)
        .then(connected,
              [=](const caf::error& e) { fail("the node does not greet (" + text_of(e) + ")"); });
  };
  system.spawn<caf::hidden>(run, 0);
}

// With a connection of before that has not ended, CAF goes on with that one: a cut of the new
// link would then mean nothing.
void tunnel_links::shared::check(const link_info& link, const caf::strong_actor_ptr& there,
                                 done<peer_way> reply) {
  find(there, [x = shared_from_this(), link, reply](const caf::expected<peer_way>& used) {
    if (used && used->link == link.id)
      return reply(*used);
    if (used)
      x->cut(used->link);
    x->cut(link.id);
    reply(failure("the link of before has not ended yet; it is dialled again"));
  });
}

namespace {

bool read_address(const std::string& text, std::string& host, uint16_t& port) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0)
    return false;
  host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  const auto* end = text.data() + text.size();
  const auto [stop, failed] = std::from_chars(text.data() + colon + 1, end, port);
  return failed == std::errc{} && stop == end && port != 0;
}

} // namespace

void tunnel_links::prepare(caf::actor_system_config& config) {
  config.set("middleman.enable-automatic-connections", false);
  config.set("middleman.heartbeat-interval", heartbeat);
  config.set("middleman.connection-timeout", silence);
  config.load<caf::io::middleman>();
  config.load<random_identity>();
}

tunnel_links::tunnel_links(std::shared_ptr<shared> x) : shared_(std::move(x)) {}

caf::expected<std::unique_ptr<tunnel_links>> tunnel_links::open(caf::actor_system& system,
                                                                links_config config) {
  auto x = std::make_shared<shared>(system);
  x->door = system.spawn<caf::hidden>(door, [at = std::weak_ptr{x}]() -> caf::strong_actor_ptr {
    const auto there = at.lock();
    return there ? there->behind_door() : nullptr;
  });
  auto out = std::unique_ptr<tunnel_links>{new tunnel_links(x)};
  const auto inner = system.middleman().publish(x->door, 0, "127.0.0.1");
  if (!inner)
    return failure("no port of loopback can be had for other nodes: " + text_of(inner.error()));
  x->inner_port = *inner;
  x->certified = config.files.has_value();
  tunnel_config to;
  to.host = std::move(config.host);
  to.port = config.port;
  to.inner_port = *inner;
  to.files = std::move(config.files);
  to.report = std::move(config.report);
  to.on_link = [at = x.get()](const link_info& link) { at->opened(link); };
  to.on_end = [at = x.get()](uint64_t link, const std::string&) { at->ended(link); };
  auto made = tunnel::open(std::move(to));
  if (!made)
    return made.error();
  x->way = std::move(*made);
  return out;
}

tunnel_links::~tunnel_links() {
  std::unique_ptr<tunnel> last;
  {
    std::lock_guard guard{shared_->way_mutex};
    last = std::move(shared_->way);
  }
  last.reset();
  if (shared_->inner_port != 0)
    shared_->system.middleman().unpublish(shared_->door, shared_->inner_port);
  caf::anon_send_exit(shared_->door, caf::exit_reason::user_shutdown);
}

void tunnel_links::begin(caf::strong_actor_ptr membership) {
  std::map<uint64_t, link_info> all;
  {
    std::lock_guard guard{shared_->mutex};
    shared_->membership = std::move(membership);
    all = shared_->links;
  }
  for (const auto& [id, link] : all)
    shared_->cut(id);
}

void tunnel_links::dial(const std::string& address, const std::string& name, done<peer_way> reply) {
  std::string host;
  uint16_t port = 0;
  if (!read_address(address, host, port))
    return reply(failure("\"" + address
                         + "\" is no address; it is what the node was given as "
                           "--cluster-advertise"));
  auto done = [x = shared_, reply = std::move(reply)](const dial_answer& answer) {
    if (answer.outcome != dial_outcome::connected)
      return reply(failure(answer.text));
    x->ask_door(answer.link, reply);
  };
  shared_->way->dial(std::move(host), port, name, std::move(done));
}

void tunnel_links::identify(caf::strong_actor_ptr other, done<peer_way> reply) {
  shared_->find(std::move(other), std::move(reply));
}

void tunnel_links::cut(uint64_t link) {
  shared_->cut(link);
}

uint16_t tunnel_links::port() const noexcept {
  return shared_->way->port();
}

const link_counters& tunnel_links::counters() const noexcept {
  return shared_->way->counters();
}

int64_t tunnel_links::valid_until_s() const noexcept {
  return shared_->way->valid_until_s();
}

} // namespace footfall::cluster
