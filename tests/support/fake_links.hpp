#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <caf/all.hpp>

#include "actors/messages.hpp"
#include "actors/ports/peer_links.hpp"

namespace footfall::test {

/// Links between the nodes of one actor system. As with CAF's proxies each side of a link sees
/// the other's actors through actors of the link, which die with it; what is on its way then is
/// lost. One thread.
class fake_network {
public:
  explicit fake_network(caf::actor_system& system) : system_(system) {}
  ~fake_network() { cut_all(); }

  struct side {
    std::string name; ///< Of the node; its certificate has this name.
    caf::strong_actor_ptr membership;
  };
  std::map<std::string, side> sides; ///< By address.
  bool down = false;                 ///< No dial is answered well.

  struct link {
    fake_network* owner = nullptr;
    std::string from, to; ///< Addresses; `from` dialled.
    bool up = true;
    std::map<caf::strong_actor_ptr, caf::strong_actor_ptr> proxies; ///< By the real one.
  };

  uint64_t dial(const std::string& from, const std::string& to) {
    auto x = std::make_shared<link>();
    x->owner = this;
    x->from = from;
    x->to = to;
    links_[++last_] = x;
    return last_;
  }

  void cut(uint64_t id) {
    const auto at = links_.find(id);
    if (at == links_.end())
      return;
    at->second->up = false;
    for (const auto& [real, proxy] : at->second->proxies)
      caf::anon_send_exit(caf::actor_cast<caf::actor>(proxy), caf::exit_reason::kill);
    at->second->proxies.clear();
    links_.erase(at);
  }

  void cut_all_of(const std::string& address) {
    for (const auto& [id, x] : std::map{links_})
      if (x->from == address || x->to == address)
        cut(id);
  }

  void cut_all() {
    for (const auto& [id, x] : std::map{links_})
      cut(id);
  }

  size_t links() const { return links_.size(); }

  /// What stands for an actor at the other end.
  caf::strong_actor_ptr proxy_of(uint64_t id, const caf::strong_actor_ptr& real) {
    return proxy_of(links_.at(id), real);
  }

  /// Whose proxy that is, and of which link; 0 when it is none.
  std::pair<uint64_t, std::string> origin_of(const caf::strong_actor_ptr& proxy) const {
    for (const auto& [id, x] : links_)
      for (const auto& [real, known] : x->proxies)
        if (known == proxy)
          for (const auto& address : {x->from, x->to})
            if (sides.count(address) != 0 && sides.at(address).membership == real)
              return {id, sides.at(address).name};
    return {0, ""};
  }

private:
  caf::strong_actor_ptr proxy_of(const std::shared_ptr<link>& x,
                                 const caf::strong_actor_ptr& real) {
    if (!real || !x->up)
      return nullptr;
    auto& out = x->proxies[real];
    if (!out)
      out = caf::actor_cast<caf::strong_actor_ptr>(system_.spawn<caf::hidden>(forward, x, real));
    return out;
  }

  static caf::behavior forward(caf::event_based_actor* self, std::shared_ptr<link> x,
                               caf::strong_actor_ptr real) {
    self->monitor(caf::actor_cast<caf::actor>(real));
    self->set_down_handler([self](const caf::down_msg& down) { self->quit(down.reason); });
    self->set_default_handler([self, x, real](caf::scheduled_actor*, caf::message_view& what) {
      auto content = what.move_content_to_message();
      auto& net = *x->owner;
      if (x->up && content.size() == 2 && content.match_element<peer_hello>(1)) {
        auto& hello = content.get_mutable_as<peer_hello>(1);
        for (auto* handle : {&hello.membership, &hello.query, &hello.ingestion, &hello.inspector})
          *handle = net.proxy_of(x, *handle);
      }
      if (x->up)
        real->enqueue(caf::make_mailbox_element(net.proxy_of(x, self->current_sender()),
                                                caf::make_message_id(), {}, std::move(content)),
                      nullptr);
      return caf::result<caf::message>{caf::message{}};
    });
    return {[](int) {}};
  }

  caf::actor_system& system_;
  uint64_t last_ = 0;
  std::map<uint64_t, std::shared_ptr<link>> links_;
};

/// One node's end of the network.
class fake_links final : public peer_links {
public:
  fake_links(fake_network& net, std::string name, std::string address)
      : net_(net), name_(std::move(name)), address_(std::move(address)) {}
  ~fake_links() override { end(); }

  /// As when the process dies.
  void end() {
    net_.cut_all_of(address_);
    net_.sides.erase(address_);
  }

  void begin(caf::strong_actor_ptr membership) override {
    net_.cut_all_of(address_);
    net_.sides[address_] = {name_, std::move(membership)};
  }
  void dial(const std::string& address, const std::string& name, done<peer_way> reply) override {
    const auto at = net_.sides.find(address);
    if (net_.down || at == net_.sides.end() || at->second.name != name)
      return reply(make_error(errc::internal, "nobody is at " + address));
    const auto id = net_.dial(address_, address);
    reply(peer_way{id, net_.proxy_of(id, at->second.membership), true, {name}});
  }
  void identify(caf::strong_actor_ptr other, done<peer_way> reply) override {
    auto [id, name] = net_.origin_of(other);
    if (id == 0)
      return reply(make_error(errc::internal, "its link has ended"));
    reply(peer_way{id, std::move(other), true, {name}});
  }
  void cut(uint64_t link) override { net_.cut(link); }
  const link_counters& counters() const noexcept override { return counters_; }
  int64_t valid_until_s() const noexcept override { return 0; }

private:
  fake_network& net_;
  const std::string name_, address_;
  link_counters counters_;
};

} // namespace footfall::test
