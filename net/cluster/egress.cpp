#include "net/cluster/egress.hpp"

#include <algorithm>

#include <boost/asio/post.hpp>

#include "net/cluster/engine.hpp"
#include "net/cluster/outgoing.hpp"

namespace footfall::cluster {

egress::egress(engine& owner) : owner_(owner), names_(owner.io()) {}

egress::~egress() = default;

void egress::dial(dial_request request) {
  std::lock_guard guard{mutex_};
  asked_.push_back(std::move(request));
  if (asked_.size() == 1)
    asio::post(owner_.io(), [this] { begin_all(); });
}

void egress::begin_all() {
  std::vector<dial_request> all;
  {
    std::lock_guard guard{mutex_};
    all.swap(asked_);
  }
  for (auto& request : all) {
    add(owner_.counters().dials);
    auto made = std::make_shared<outgoing>(owner_, std::move(request));
    under_way_.insert(made);
    if (under_way_.size() > owner_.config().limits.dials)
      made->fail(dial_outcome::overloaded, "too many dials are under way");
    else
      made->start();
  }
}

void egress::stop() {
  {
    std::lock_guard guard{mutex_};
    for (auto& request : asked_)
      under_way_.insert(std::make_shared<outgoing>(owner_, std::move(request)));
    asked_.clear();
  }
  while (!under_way_.empty()) {
    const auto one = *under_way_.begin();
    one->fail(dial_outcome::stopped, "the tunnel has ended");
  }
}

void egress::forget(outgoing& x) {
  const auto at = std::find_if(under_way_.begin(), under_way_.end(),
                               [&](const auto& one) { return one.get() == &x; });
  if (at != under_way_.end())
    under_way_.erase(at);
}

} // namespace footfall::cluster
