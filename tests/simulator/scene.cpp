#include "tests/simulator/scene.hpp"

#include <algorithm>

namespace footfall::simulator {
namespace {

constexpr int64_t quiet_from = 15 * s; ///< All have started and share what there is.
constexpr int64_t faults_end = 45 * s;
constexpr int64_t peace_from = 50 * s;
constexpr int64_t still_from = 70 * s;
constexpr int64_t end_at = 80 * s;

} // namespace

scene::scene(uint64_t seed, bool is_told)
    : here(seed, is_told), plot_(seed % 10 < 5 ? static_cast<plot>(seed % 10) : plot::rough),
      store_(here, static_cast<uint32_t>(here.between(1, 16)), rules_.lease_us), around_{here,
                                                                                         store_,
                                                                                         rules_} {
  const auto count = here.between(2, 5);
  for (int64_t i = 1; i <= count; ++i) {
    nodes_.push_back("n" + std::to_string(i));
    aggregates_[nodes_.back()] = i == 1 || plot_ == plot::one_by_one || !here.luck.percent(10);
  }
}

std::shared_ptr<process> scene::begin(const std::string& node) {
  auto out = std::make_shared<process>(around_, node, aggregates_[node]);
  processes_.push_back(out);
  if (is_peace_ && node == without_log_)
    out->set_log(false);
  out->start();
  return out;
}

std::shared_ptr<process> scene::running(const std::string& node) const {
  for (auto x = processes_.rbegin(); x != processes_.rend(); ++x)
    if ((*x)->is_up() && (*x)->node() == node)
      return *x;
  return {};
}

std::shared_ptr<process> scene::any_running() {
  std::vector<std::shared_ptr<process>> found;
  for (const auto& x : processes_)
    if (x->is_up())
      found.push_back(x);
  return found.empty() ? nullptr : here.luck.of(found);
}

bool scene::is_anybody(const std::string& node) const {
  return running(node) != nullptr;
}

void scene::tell_peers(const std::string& node, int64_t least_us, int64_t most_us) {
  for (const auto& x : processes_)
    if (x->is_up() && x->node() != node && here.luck.percent(80))
      here.after(here.between(least_us, most_us), [x, node] { x->peer_down(node); });
}

void scene::play() {
  for (const auto& node : nodes_)
    here.at(here.luck.until(3 * s), [this, node] { begin(node); });
  switch (plot_) {
  case plot::rough: play_rough(); break;
  case plot::store_only: play_store_only(); break;
  case plot::reconnects: play_reconnects(); break;
  case plot::log_for_all: play_log_for_all(); break;
  case plot::one_by_one: play_one_by_one(); break;
  }
  here.at(peace_from, [this] { make_peace(); });
  here.run_until(still_from);
  const auto before = epochs();
  const auto reached = progress();
  here.run_until(end_at);
  if (!here.is_wrong() && epochs() != before)
    here.wrong("partitions still move 20 s after the last fault");
  if (!here.is_wrong())
    check_end(reached);
  here.counts.histories = 1;
}

std::vector<int64_t> scene::epochs() const {
  std::vector<int64_t> out;
  for (uint32_t p = 0; p < store_.partitions(); ++p)
    out.push_back(store_.epoch_of(p));
  return out;
}

std::vector<int64_t> scene::progress() const {
  std::vector<int64_t> out;
  for (uint32_t p = 0; p < store_.partitions(); ++p)
    out.push_back(store_.next_of(p));
  return out;
}

void scene::play_rough() {
  if (here.luck.percent(60))
    around_.bad_messages = static_cast<uint32_t>(here.between(1, 15));
  const auto count = here.between(0, 11);
  for (int64_t i = 0; i < count; ++i) {
    const auto what = static_cast<fault>(here.luck.below(static_cast<size_t>(fault::lost)));
    here.at(here.between(5 * s, faults_end), [this, what] { one_fault(what); });
  }
  if (here.luck.percent(20))
    without_log_ = here.luck.of(nodes_);
}

void scene::one_fault(fault what) {
  const auto x = any_running();
  if (!x)
    return;
  here.happened(what);
  const auto node = x->node();
  const auto lasts = here.between(500 * ms, 20 * s);
  here.note([&] { return std::string{"-- "} + name_of(what) + ", " + x->label(); });
  switch (what) {
  case fault::kill:
  case fault::quick_restart:
    x->kill("is killed");
    tell_peers(node, ms, 10 * ms);
    here.after(what == fault::kill ? lasts : here.between(ms, 100 * ms), [this, node] {
      if (!is_anybody(node))
        begin(node);
    });
    return;
  case fault::stop:
    x->stop_until(std::min(here.now() + lasts, peace_from));
    if (lasts > 2 * s)
      tell_peers(node, 1300 * ms, 2500 * ms);
    return;
  case fault::cut:
  case fault::cut_from_store:
  case fault::cut_to_store: return cut(x, what, lasts);
  case fault::terminate:
    x->terminate();
    return here.after(lasts, [this, node] {
      if (!is_anybody(node))
        begin(node);
    });
  case fault::same_name: begin(node); return;
  case fault::reconnect: return x->lose_connection();
  case fault::store_hangs: return store_.hang_until(here.now() + here.between(500 * ms, 12 * s));
  case fault::store_crashes:
    store_.crash();
    return here.after(here.between(200 * ms, 8 * s), [this] { store_.start(); });
  case fault::log_away: x->set_log(false); return here.after(lasts, [x] { x->set_log(true); });
  case fault::false_down: return tell_peers(node, ms, 100 * ms);
  default: return;
  }
}

void scene::cut(const std::shared_ptr<process>& x, fault how, int64_t lasts_us) {
  x->cut(how != fault::cut_from_store, how != fault::cut_to_store);
  if (how == fault::cut && lasts_us > 2 * s)
    tell_peers(x->node(), 1300 * ms, 2500 * ms);
  here.after(lasts_us, [this, x] {
    x->heal();
    here.note([&] { return "-- " + x->label() + " is not cut off any more"; });
  });
}

void scene::play_store_only() {
  const auto count = here.between(1, 3);
  for (int64_t i = 0; i < count; ++i) {
    const auto what = here.luck.percent(50) ? fault::store_hangs : fault::store_crashes;
    here.at(here.between(20 * s, 40 * s), [this, what] { one_fault(what); });
  }
  check_still("the store failed");
}

void scene::play_reconnects() {
  const auto count = here.between(3, 20);
  for (int64_t i = 0; i < count; ++i)
    here.at(here.between(20 * s, 40 * s), [this] { one_fault(fault::reconnect); });
  check_still("connections were made anew");
}

void scene::play_log_for_all() {
  const auto from = here.between(20 * s, 25 * s);
  const auto until = from + here.between(3 * s, 20 * s);
  for (const auto& node : nodes_) {
    here.at(from + here.luck.until(2 * s), [this, node] {
      here.happened(fault::log_away);
      running(node)->set_log(false);
    });
    here.at(until + here.luck.until(2 * s), [this, node] { running(node)->set_log(true); });
  }
  check_still("the log was away");
}

// Between the start and the peace nothing moves from one node to another.
void scene::check_still(const char* why) {
  here.at(quiet_from, [this, why] {
    here.at(peace_from - s, [this, why, before = here.counts.moves] {
      if (here.counts.moves != before)
        here.wrong(std::to_string(here.counts.moves - before) + " partitions moved although only "
                   + why);
    });
  });
}

void scene::play_one_by_one() {
  here.at(20 * s, [this] {
    const auto x = any_running();
    const auto node = x->node();
    size_t had = 0;
    for (uint32_t p = 0; p < store_.partitions(); ++p)
      had += store_.owner_of(p).node == node;
    here.happened(fault::kill);
    x->kill("is killed");
    tell_peers(node, ms, 10 * ms);
    here.after(8 * s, [this, node, had, before = here.counts.moves] {
      check_one_by_one(had, before, false);
      begin(node);
      here.after(8 * s, [this, before = here.counts.moves] {
        const auto share = (store_.partitions() + nodes_.size() - 1) / nodes_.size();
        check_one_by_one(share, before, true);
      });
    });
  });
}

void scene::check_one_by_one(size_t had, uint64_t moves_before, bool is_back) {
  const auto moves = here.counts.moves - moves_before;
  if (is_back ? moves > had : moves != had)
    here.wrong(std::to_string(moves) + " partitions moved as a node "
               + (is_back ? "came back, whose share is " : "died, which had ")
               + std::to_string(had));
}

void scene::make_peace() {
  here.note([] { return std::string{"-- peace"}; });
  is_peace_ = true;
  around_.bad_messages = 0;
  for (const auto& x : processes_)
    if (x->is_up()) {
      x->heal();
      x->set_log(x->node() != without_log_);
    }
  for (const auto& node : nodes_)
    if (!is_anybody(node))
      begin(node);
}

} // namespace footfall::simulator
