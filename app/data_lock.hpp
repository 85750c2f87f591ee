#pragma once

#include <memory>
#include <string>

#include <caf/expected.hpp>

namespace footfall::app {

/// Makes the folder, for its owner alone, when it is missing.
/// @returns errc::invalid_argument when it cannot be used.
caf::error prepare_data_folder(const std::string& folder);

/// The right to use a data folder, held by one process at a time, on the file
/// `lock` inside. The kernel gives it back when the process ends, however it ends,
/// so a crash leaves nothing to clean up.
class data_lock {
public:
  /// Takes the folder, which is made (for its owner alone) when it is missing.
  /// @returns errc::invalid_argument and a text for a person: what the folder is
  /// instead, or which process holds it.
  static caf::expected<std::unique_ptr<data_lock>> take(const std::string& folder);

  ~data_lock();
  data_lock(const data_lock&) = delete;
  data_lock& operator=(const data_lock&) = delete;

private:
  explicit data_lock(int file) noexcept : file_(file) {}
  int file_;
};

} // namespace footfall::app
