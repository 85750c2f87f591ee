#pragma once

#include <string>

#include <caf/expected.hpp>

#include "actors/model/access_gate.hpp"
#include "app/access_keeper.hpp"
#include "app/remote_desk.hpp"
#include "app/settings.hpp"

namespace footfall::app {

/// Who may what at this node: read from its store and changed there, or as other nodes tell and
/// by their desks.
class access_parts {
public:
  explicit access_parts(const settings& from);

  model::access_gate& gate() { return gate_; }
  access_desk& desk();
  /// Between this node and others; `this` outlives it.
  access_links links();
  remote_desk& remote() { return remote_; }

  /// Reads the keys of the store, if anybody asks for some here or at a node without a store.
  /// Blocks. What is wrong with the store for a while is no error unless keys are asked for here:
  /// look() tries again.
  caf::error begin();
  /// Then: why nobody could pass, with the commands that make keys; empty: somebody can.
  std::string why_nobody() const;
  /// Without a store: whether other nodes have told them, if they are asked for.
  bool is_known() const;
  /// About once a second; may block for some while the store is away.
  void look();

private:
  bool is_of_use() const;
  caf::error try_to_begin();

  const settings& from_;
  model::access_gate gate_;
  access_keeper keeper_;
  remote_desk remote_;
  int64_t try_at_us_ = 0; ///< Not before; 0: it has begun, or never is to.
};

} // namespace footfall::app
