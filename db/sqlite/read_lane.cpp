#include "db/sqlite/read_lane.hpp"

#include <utility>
#include <vector>

namespace footfall::sqlite {

read_lane::read_lane(const std::string& file, const connection::options& how,
                     const std::string& log, const late_counts& late, size_t calls_max, note failed)
    : on_(file, how), reader_(on_, log, late), calls_(calls_max, 0), failed_(std::move(failed)),
      thread_([this] { loop(); }) {}

read_lane::~read_lane() {
  close();
}

void read_lane::close() {
  calls_.close();
  if (thread_.joinable())
    thread_.join();
}

void read_lane::push(read_call call) {
  using answer = call_queue<read_call>::answer;
  switch (calls_.push(call)) {
  case answer::taken: return;
  case answer::closed: return call.run(nullptr, closed());
  case answer::full:
    return call.run(nullptr, make_error(errc::overloaded, "too many questions wait for the store"));
  }
}

void read_lane::loop() {
  std::vector<read_call> calls;
  while (calls_.take(calls)) {
    size_t done = 0;
    while (done < calls.size()) {
      try {
        reader_.begin();
        for (; done < calls.size(); ++done)
          calls[done].run(&reader_, caf::none);
        reader_.end();
      } catch (const failure& error) {
        reader_.end();
        calls[done++].run(nullptr, failed_(error));
      }
    }
    calls.clear();
  }
}

} // namespace footfall::sqlite
