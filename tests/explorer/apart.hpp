#pragma once

#include <functional>
#include <string>

namespace footfall::explorer {

/// What a process sent back, and how it ended.
struct apart {
  std::string bytes;
  int status = 0; ///< As waitpid has it; 0: well.
};

/// Does `work` in a process of its own and gives back what it returns: it begins in the same
/// state whatever was done before, and one that crashes or hangs is found as well.
/// @param history what is told of a run that crashes, or takes longer than `most_s`.
apart run_apart(const std::function<std::string()>& work, unsigned most_s,
                std::string (*history)());

/// Tables that hash by their address are in the same order each time from now on, where that
/// is allowed: the program begins again.
void fix_addresses(char** argv);

} // namespace footfall::explorer
