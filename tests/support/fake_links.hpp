#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <caf/all.hpp>

#include "actors/messages.hpp"
#include "actors/ports/peer_links.hpp"

namespace footfall::test {

/// Links between the nodes of one actor system. As with CAF's proxies each end of a link sees
/// the other's actors through actors of the link, which die with that end; what is on its way
/// then is lost. One thread.
class fake_network {
public:
  using work = std::function<void()>;

  explicit fake_network(caf::actor_system& system) : system_(system) {}
  ~fake_network() {
    later = {};
    cut_all();
  }

  struct side {
    std::string name; ///< Of the node; its certificate has this name.
    caf::strong_actor_ptr membership;
  };
  std::map<std::string, side> sides; ///< By address.
  bool down = false;                 ///< No dial is answered well.
  std::set<std::string> silent = {}; ///< Addresses where no dial is answered at all.
  /// Addresses between which no dial is answered well, the lesser first.
  std::set<std::pair<std::string, std::string>> blocked;

  /// Has something happen later, behind what was given with the same lane before, unless that
  /// is 0. While it is empty all happens at once.
  std::function<void(uint32_t lane, work)> later;
  /// Told of each message that is given to a link, with the addresses of both ends and who
  /// gets it.
  std::function<void(const std::string& from, const std::string& to,
                     const caf::strong_actor_ptr& receiver, const caf::message&)>
      seen;

  /// A node that comes anew under an address: who answers there, and no link of before.
  void begin(const std::string& address, side x) {
    cut_all_of(address);
    ++begun_[address];
    sides[address] = std::move(x);
  }
  /// As when its process dies.
  void end(const std::string& address) {
    cut_all_of(address);
    ++begun_[address];
    sides.erase(address);
  }

  void dial(const std::string& from, const std::string& to, const std::string& name,
            peer_links::done<peer_way> reply) {
    run(0, [=, this, begun = begun_[from]] {
      if (begun_[from] != begun || silent.count(to) != 0)
        return; // Who dialled is gone, or waits.
      const auto at = sides.find(to);
      if (down || blocked.count(std::minmax(from, to)) != 0 || at == sides.end()
          || (name != any_node && at->second.name != name))
        return reply(make_error(errc::internal, "nobody is at " + to));
      auto x = std::make_shared<link>();
      x->owner = this;
      x->ends[0].address = from;
      x->ends[1].address = to;
      links_[++last_] = x;
      reply(peer_way{last_, proxy_of(x, 0, at->second.membership), true, {at->second.name}});
    });
  }

  void identify(const caf::strong_actor_ptr& proxy, peer_links::done<peer_way> reply) {
    run(0, [=, this] {
      auto [id, name] = origin_of(proxy);
      if (id == 0)
        return reply(make_error(errc::internal, "its link has ended"));
      reply(peer_way{id, proxy, true, {name}});
    });
  }

  /// Both ends notice it at once, or as `later` has it; the one at `by` at once.
  void cut(uint64_t id, const std::string& by = {}) {
    const auto at = links_.find(id);
    if (at == links_.end())
      return;
    const auto x = at->second;
    for (size_t i = 0; i < 2; ++i)
      if (x->ends[i].address == by)
        end_at(id, i);
    for (size_t i = 0; i < 2; ++i)
      if (x->ends[i].is_up)
        run(0, [this, id, i] { end_at(id, i); });
  }
  void cut_all_of(const std::string& address) {
    for (const auto& [id, x] : std::map{links_})
      if (x->has(address))
        cut(id, address);
  }
  void cut_all() {
    for (const auto& [id, x] : std::map{links_})
      cut(id);
  }

  /// From now on nothing goes over the link, and nobody is told: end_at() or cut() follow.
  void lose(uint64_t id) {
    if (const auto at = links_.find(id); at != links_.end())
      for (auto& x : at->second->ends)
        x.is_lost = true;
  }
  /// What the end number `i` sends waits, or what has waited goes on its way.
  void hold(uint64_t id, size_t i, bool on) {
    const auto at = links_.find(id);
    if (at == links_.end())
      return;
    auto& x = at->second->ends.at(i);
    x.is_held = on;
    if (!on)
      for (auto& [lane, what] : std::exchange(x.waiting, {}))
        run(lane, std::move(what));
  }
  /// One end notices that the link is over, and its proxies die.
  void end_at(uint64_t id, size_t i) {
    const auto at = links_.find(id);
    if (at == links_.end())
      return;
    const auto x = at->second;
    auto& end = x->ends.at(i);
    end.is_up = false;
    for (const auto& [real, proxy] : std::exchange(end.proxies, {}))
      caf::anon_send_exit(caf::actor_cast<caf::actor>(proxy), caf::exit_reason::kill);
    if (!x->ends[1 - i].is_up)
      links_.erase(id);
  }

  /// Whether some link takes messages and does not deliver them.
  bool is_silent() const {
    for (const auto& [id, x] : links_)
      for (const auto& end : x->ends)
        if (end.is_lost || end.is_held)
          return true;
    return false;
  }
  size_t links() const { return links_.size(); }
  std::vector<uint64_t> all_links() const {
    std::vector<uint64_t> out;
    for (const auto& [id, x] : links_)
      out.push_back(id);
    return out;
  }
  std::pair<std::string, std::string> ends_of(uint64_t id) const {
    const auto& x = *links_.at(id);
    return {x.ends[0].address, x.ends[1].address};
  }

private:
  struct link_end {
    std::string address;
    bool is_up = true;
    bool is_lost = false; ///< What it sends.
    bool is_held = false; ///< The same.
    std::vector<std::pair<uint32_t, work>> waiting;
    /// The real ones with their proxies, in the order they were first named.
    std::vector<std::pair<caf::strong_actor_ptr, caf::strong_actor_ptr>> proxies;
  };
  struct link {
    fake_network* owner = nullptr;
    std::array<link_end, 2> ends; ///< The first one dialled.
    bool has(const std::string& address) const {
      return ends[0].address == address || ends[1].address == address;
    }
  };
  using link_ptr = std::shared_ptr<link>;

  void run(uint32_t lane, work what) {
    if (later)
      later(lane, std::move(what));
    else
      what();
  }

  // What one actor sends stays in order, its end included, as one connection has it.
  static uint32_t lane_of(const caf::strong_actor_ptr& sender) {
    return sender ? 1 + static_cast<uint32_t>(sender->id()) : 0;
  }

  /// From the end number `i` to the other one.
  void carry(const link_ptr& x, size_t i, const caf::strong_actor_ptr& sender, work what) {
    auto& from = x->ends[i];
    if (!from.is_up || from.is_lost)
      return;
    auto arrive = [x, i, what = std::move(what)] {
      if (x->ends[1 - i].is_up && !x->ends[i].is_lost)
        what();
    };
    if (from.is_held)
      from.waiting.emplace_back(lane_of(sender), std::move(arrive));
    else
      run(lane_of(sender), std::move(arrive));
  }

  /// What stands at end `i` for an actor at the other one.
  caf::strong_actor_ptr proxy_of(const link_ptr& x, size_t i, const caf::strong_actor_ptr& real) {
    if (!real || !x->ends[i].is_up)
      return nullptr;
    for (const auto& [known, proxy] : x->ends[i].proxies)
      if (known == real)
        return proxy;
    auto out =
        caf::actor_cast<caf::strong_actor_ptr>(system_.spawn<caf::hidden>(forward, x, i, real));
    x->ends[i].proxies.emplace_back(real, out);
    return out;
  }

  /// Whose proxy that is, and of which link; 0 when it is none.
  std::pair<uint64_t, std::string> origin_of(const caf::strong_actor_ptr& proxy) const {
    for (const auto& [id, x] : links_)
      for (size_t i = 0; i < 2; ++i)
        for (const auto& [real, known] : x->ends[i].proxies) {
          const auto at = sides.find(x->ends[1 - i].address);
          if (known == proxy && at != sides.end() && at->second.membership == real)
            return {id, at->second.name};
        }
    return {0, ""};
  }

  void deliver(const link_ptr& x, size_t i, const caf::strong_actor_ptr& sender,
               const caf::strong_actor_ptr& receiver, caf::message content) {
    if (content.size() == 2 && content.match_element<peer_hello>(1)) {
      auto& hello = content.get_mutable_as<peer_hello>(1);
      for (auto* handle : {&hello.membership, &hello.query, &hello.ingestion, &hello.inspector})
        *handle = proxy_of(x, 1 - i, *handle);
    }
    receiver->enqueue(caf::make_mailbox_element(proxy_of(x, 1 - i, sender), caf::make_message_id(),
                                                {}, std::move(content)),
                      nullptr);
  }

  /// A proxy at end `i`.
  static caf::behavior forward(caf::event_based_actor* self, link_ptr x, size_t i,
                               caf::strong_actor_ptr real) {
    self->monitor(caf::actor_cast<caf::actor>(real));
    self->set_down_handler([self, x, i, real](const caf::down_msg&) {
      x->owner->carry(x, 1 - i, real, [me = caf::actor_cast<caf::actor_addr>(self)] {
        caf::anon_send_exit(me, caf::exit_reason::kill);
      });
    });
    self->set_default_handler([self, x, i, real](caf::scheduled_actor*, caf::message_view& what) {
      auto& net = *x->owner;
      auto content = what.move_content_to_message();
      const auto sender = self->current_sender();
      if (net.seen)
        net.seen(x->ends[i].address, x->ends[1 - i].address, real, content);
      net.carry(x, i, sender, [&net, x, i, sender, real, content = std::move(content)] {
        net.deliver(x, i, sender, real, content);
      });
      return caf::result<caf::message>{caf::message{}};
    });
    return {[](int) {}};
  }

  caf::actor_system& system_;
  uint64_t last_ = 0;
  std::map<std::string, uint64_t> begun_; ///< By address.
  std::map<uint64_t, link_ptr> links_;
};

/// One node's end of the network.
class fake_links final : public peer_links {
public:
  fake_links(fake_network& net, std::string name, std::string address)
      : net_(net), name_(std::move(name)), address_(std::move(address)) {}
  ~fake_links() override { end(); }

  /// As when the process dies.
  void end() { net_.end(address_); }

  void begin(caf::strong_actor_ptr membership) override {
    net_.begin(address_, {name_, std::move(membership)});
  }
  void dial(const std::string& address, const std::string& name, done<peer_way> reply) override {
    net_.dial(address_, address, name, std::move(reply));
  }
  void identify(caf::strong_actor_ptr other, done<peer_way> reply) override {
    net_.identify(other, std::move(reply));
  }
  void cut(uint64_t link) override { net_.cut(link, address_); }
  const link_counters& counters() const noexcept override { return counters_; }
  int64_t valid_until_s() const noexcept override { return 0; }

private:
  fake_network& net_;
  const std::string name_, address_;
  link_counters counters_;
};

} // namespace footfall::test
