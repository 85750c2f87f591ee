#include "net/grpc/event_stream.hpp"

namespace footfall::rpc {

grpc::Status admit(const model::principal& who, v1::PostEventsRequest& message) {
  if (auto denied = keep_to_its_site(who, *message.mutable_site_id()); !denied.ok())
    return denied;
  return charge(who, static_cast<uint64_t>(message.events_size()));
}

event_stream* event_stream::start(edge_ptr edge, grpc::CallbackServerContext& context,
                                  grpc::ByteBuffer* response) {
  std::shared_ptr<event_stream> stream{new event_stream(std::move(edge), context, response)};
  stream->self_ = stream;
  if (!stream->place_)
    stream->finish(no_place(*stream->place_));
  else if (auto denied =
               check_key(*stream->place_, context, model::access_need::ingest, stream->who_);
           !denied.ok())
    stream->finish(std::move(denied));
  else if (!stream->place_->streams.add(stream))
    stream->end();
  else
    stream->read_next();
  return stream.get();
}

void event_stream::OnDone() {
  place_->streams.remove(self_);
  place_.leave();
  self_.reset();
}

void event_stream::end() {
  std::lock_guard guard{mutex_};
  ending_ = true;
  if (!storing_)
    finish(status_of(errc::shutting_down, "the node drains; open the stream again elsewhere or "
                                          "later"
                                              + so_far()),
           true);
}

void event_stream::read_next() {
  std::lock_guard guard{mutex_};
  if (!finished_)
    StartRead(&bytes_);
}

void event_stream::OnReadDone(bool ok) {
  if (!ok) {
    std::lock_guard guard{mutex_};
    // The end of the stream, unless the call is over anyway.
    if (!finished_)
      finish(write_message(sums_, *response_));
    return;
  }
  v1::PostEventsRequest message;
  if (read_message(bytes_, message))
    take(message);
  else
    finish(unreadable<v1::PostEventsRequest>());
}

void event_stream::take(v1::PostEventsRequest& message) {
  auto denied = still_holds(*place_, who_);
  if (denied.ok())
    denied = admit(who_, message);
  if (!denied.ok()) {
    std::lock_guard guard{mutex_};
    return finish({denied.error_code(), denied.error_message() + so_far()});
  }
  auto batch = std::make_shared<event_batch>();
  if (auto bad = to_batch(message, *batch)) {
    std::lock_guard guard{mutex_};
    return finish({grpc::StatusCode::INVALID_ARGUMENT, bad.reason + so_far()});
  }
  {
    std::lock_guard guard{mutex_};
    if (finished_)
      return;
    storing_ = true;
  }
  auto events = std::move(batch->events);
  auto done = [self = shared_from_this(), batch](ingest_reply reply) {
    merge(*batch, std::move(reply.results));
    self->add_results(*batch);
  };
  if (events.empty())
    done({});
  else
    place_->handler.ingest(std::move(events), std::move(done), trace_.of());
}

void event_stream::add_results(const event_batch& batch) {
  std::lock_guard guard{mutex_};
  storing_ = false;
  for (const auto& x : batch.results) {
    const auto index = static_cast<uint32_t>(taken_++);
    if (x.status == outcome::accepted) {
      sums_.set_accepted(sums_.accepted() + 1);
      sums_.set_last_position(to_string(x.pos));
      continue;
    }
    if (x.status == outcome::rejected)
      sums_.set_rejected(sums_.rejected() + 1);
    else
      sums_.set_unknown(sums_.unknown() + 1);
    if (sums_.problems_size() < problems_max)
      to_message(x, index, *sums_.add_problems());
  }
  if (ending_)
    end();
  else
    read_next();
}

void event_stream::check() {
  auto held = still_holds(*place_, who_);
  std::lock_guard guard{mutex_};
  if (!held.ok() && !storing_)
    finish({held.error_code(), held.error_message() + so_far()});
}

void event_stream::finish(grpc::Status status, bool as_planned) {
  std::lock_guard guard{mutex_};
  if (finished_)
    return;
  finished_ = true;
  if (!as_planned)
    trace_.ends(place_->config.traces, status);
  Finish(std::move(status));
}

std::string event_stream::so_far() const {
  return " (of this stream " + std::to_string(sums_.accepted()) + " events were accepted, "
         + std::to_string(sums_.rejected()) + " rejected, " + std::to_string(sums_.unknown())
         + " are unknown)";
}

} // namespace footfall::rpc
