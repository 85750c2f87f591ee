#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "actors/model/page_tail.hpp"
#include "actors/model/recent.hpp"
#include "proto/page.hpp"

namespace footfall::model {

/// One thing to do for a page, in the order of a list of them.
struct page_step {
  enum class kind : uint8_t {
    spawn,   ///< The page of the input becomes live in `slot`.
    deliver, ///< The input goes to `slot`.
    refuse,  ///< The question is answered at once: the page is not live, ask the store.
    load,    ///< The page of `slot` is to be read, all of one list at once.
    give,    ///< What was read as number `index` goes to `slot`.
    evict,   ///< `slot` ends: nobody needs it; who waits for it is sent to the store.
    fail,    ///< `slot` ends: there is no load for it; who waits for it is told so.
    forget,  ///< The cache may lack clicks of any page.
  };
  kind what = kind::refuse;
  uint32_t slot = 0;
  uint32_t index = 0;

  bool operator==(const page_step&) const = default;
};

/// The pages of one partition: which are live, which of them are loaded, whom a click or a
/// question goes to, and which clicks nobody told the cache of. Takes what happens, says
/// what is to be done; what it says must be done before the next call, in its order.
///
/// A live page has a slot, from the step that spawns it to the one that ends it. At most
/// `live_max` are live. A page whose load is under way when it ends takes nothing of that
/// load when it comes back: clicks in between went to nobody.
class page_table {
public:
  struct limits {
    uint32_t partition = 0;
    size_t live_max = 1;
    int64_t idle_us = 300'000'000; ///< A page that nobody used for so long ends.
    size_t loads_at_once = 500;
    size_t tail_max = 100'000; ///< Pages whose clicks the fold must tell of.
  };
  using steps = std::vector<page_step>;

  page_table() : page_table(limits{}) {}
  explicit page_table(limits most);

  /// The partition runs: pages may become live.
  void start() { runs_ = true; }
  /// What live pages know may lack something, or is of another store: all of them end.
  const steps& stop();

  /// Clicks of one page, of this partition or another. Nothing is to be done when the page
  /// is not live and not worth it; the text of `x` may be gone then.
  const steps& click(page_delta& x, int64_t now_us);
  /// Clicks of this partition whose page lives in another one.
  void click_elsewhere(const page_delta& x) { tail_.note(x); }

  /// A question. `is_worth_it`: the page becomes live for it.
  const steps& ask(const std::string& page, bool is_worth_it, int64_t now_us);
  /// A watch; nothing is to be done while the partition does not run: it is renewed.
  const steps& watch(const std::string& page, int64_t now_us);

  /// What to read now; nothing while something is read.
  const steps& load();
  /// What was read, in the order of `load`. Pages that nobody ever clicked are given
  /// theirs, and end.
  const steps& loaded(const std::vector<page_load>& pages, int64_t now_us);
  const steps& load_failed();

  /// A fold reached `folded_offset`. What the cache is to be told.
  template <class FoldedPage>
  page_tail::news fold(const std::vector<FoldedPage>& pages, int64_t folded_offset) {
    return tail_.fold(pages, folded_offset);
  }
  /// Somebody else folded, or too much changed to be told.
  void fold_untold() { tail_.lose(); }

  /// Ends what nobody used for long.
  const steps& sweep(int64_t now_us);
  /// Ends all that live.
  const steps& end_all();
  /// A live page ended by a fault of its own, with clicks that it may have told nobody of.
  const steps& end(uint32_t slot);

  /// The text is there until the slot ends.
  const std::string& page(uint32_t slot) const { return slots_[slot].page; }
  const uint32_t* find(std::string_view page) const;
  /// The last used first.
  std::vector<std::string> newest(size_t most) const;
  size_t size() const noexcept { return by_page_.size(); }

private:
  static constexpr uint32_t none = UINT32_MAX;

  enum class state : uint8_t { free, wanted, loading, loaded };
  struct entry {
    std::string page;
    int64_t used_us = 0;
    uint32_t newer = none;
    uint32_t older = none;
    uint32_t life = 0; ///< Counts the pages that had the slot.
    state at = state::free;
    bool is_needed = false; ///< It has clicks or watchers.
  };
  struct place {
    uint32_t slot = 0;
    uint32_t life = 0;
  };

  bool is_full() const { return size() >= most_.live_max; }
  bool note_known(const std::string& page);
  uint32_t touch(std::string_view page, int64_t now_us);
  uint32_t make_live(const std::string& page, int64_t now_us);
  entry* find(const place& x, state at);
  void say(page_step::kind what, uint32_t slot = 0, uint32_t index = 0);
  void drop(page_step::kind how, uint32_t slot);
  void link(uint32_t slot);
  void unlink(uint32_t slot);

  limits most_;
  bool runs_ = false;
  steps out_;
  recent known_; ///< Clicked or asked for lately.
  page_tail tail_;
  std::deque<entry> slots_; // Views of their texts are keys below.
  std::vector<uint32_t> free_;
  uint32_t newest_ = none;
  uint32_t oldest_ = none;
  absl::flat_hash_map<std::string_view, uint32_t> by_page_;
  std::vector<place> wanted_; ///< The last is loaded first.
  std::vector<place> loading_;
};

} // namespace footfall::model
