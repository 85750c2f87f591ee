#pragma once

#include <string>

namespace footfall::app {

struct backup_options {
  std::string to;       ///< The new folder.
  std::string data_dir; ///< What to copy; empty: the folder of the node at `url`.
  std::string url;
};

/// Copies log and store of an embedded node, which may run, to a folder.
/// @returns the exit code: 0, 1 it could not be done, 2 usage, 3 the node is unreachable.
int run_backup(const backup_options& options);

struct restore_options {
  std::string from;
  std::string data_dir;
  bool replace = false; ///< What is in data_dir is moved aside.
};

/// Checks a backup and puts it into a data folder that no node uses.
/// @returns the exit code: 0, 1 the backup is not whole or does not fit, 2 usage.
int run_restore(const restore_options& options);

} // namespace footfall::app
