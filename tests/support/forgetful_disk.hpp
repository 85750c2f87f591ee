#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

/// A disk under SQLite that forgets what was not synced when its power is cut. While one
/// exists, every database of its folder that is opened in this process stands on it.
/// The model is that of a journalling file system: a write or truncation that was not
/// synced is there, is not, or is there in part, by sectors of 512 bytes and in any order;
/// a file's name is safe once the file was synced, and a removal once another name is.
namespace footfall::test {

class forgetful_disk {
public:
  /// What a cut leaves: the bytes of each file, by its name in the folder.
  using image = std::map<std::string, std::string>;

  forgetful_disk(std::string folder, uint64_t seed);
  ~forgetful_disk();
  forgetful_disk(const forgetful_disk&) = delete;
  forgetful_disk& operator=(const forgetful_disk&) = delete;

  /// Before the write, truncation or sync after so many more of the files whose names begin
  /// with `of`: `cut` gets what would be left. It runs on the thread that writes, while no
  /// other write is recorded, and may ask for the next one. One at a time.
  void cut_after(uint64_t changes, std::string of, std::function<void(image)> cut);
  uint64_t syncs() const;

  static void write_out(const image& from, const std::string& folder);

  struct impl;

private:
  std::unique_ptr<impl> impl_;
};

} // namespace footfall::test
