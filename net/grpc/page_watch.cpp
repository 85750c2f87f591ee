#include "net/grpc/page_watch.hpp"

#include <utility>

#include "actors/model/query_rules.hpp"
#include "net/grpc/convert.hpp"

namespace footfall::rpc {

page_watch* page_watch::start(edge_ptr edge, grpc::CallbackServerContext& context,
                              const grpc::ByteBuffer& request) {
  std::shared_ptr<page_watch> watch{new page_watch(std::move(edge), context)};
  watch->self_ = watch;
  if (auto status = watch->open(context, request); !status.ok())
    watch->finish(std::move(status));
  return watch.get();
}

page_watch::~page_watch() {
  if (watch_place_)
    place_->watches.fetch_sub(1, std::memory_order_relaxed);
}

grpc::Status page_watch::open(const grpc::ServerContextBase& context,
                              const grpc::ByteBuffer& request) {
  if (!place_)
    return no_place(*place_);
  auto denied = check_key(*place_, context, model::access_need::read, who_);
  if (denied.ok())
    denied = charge(who_, 1);
  if (!denied.ok())
    return denied;
  v1::PageRequest message;
  if (!read_message(request, message))
    return unreadable<v1::PageRequest>();
  if (auto bad = to_ask(message, ask_))
    return status_of(bad);
  if (denied = keep_to_its_site(who_, ask_.site_id); !denied.ok())
    return denied;
  if (!ask_.after.empty())
    return status_of(model::refusal{"after", "after has no meaning for a watch; leave it out"});
  if (auto bad = model::check_query(ask_, place_->config.now()))
    return status_of(bad);
  watch_place_ = take_place(place_->watches, place_->config.watches_max);
  if (!watch_place_) {
    add(place_->counters.requests_overloaded);
    return status_of(errc::overloaded, "too many open watches (grpc watches_max = "
                                           + std::to_string(place_->config.watches_max)
                                           + "); close some");
  }
  if (!place_->streams.add(shared_from_this())) {
    end();
    return grpc::Status::OK;
  }
  // Weak: the token keeps the update, and must not keep the watch that owns it.
  token_ = place_->handler.watch(ask_.site_id, ask_.page_url,
                                 [weak = weak_from_this()](query_answer answer) {
                                   if (auto self = weak.lock())
                                     self->update(std::move(answer));
                                 });
  return grpc::Status::OK;
}

void page_watch::update(query_answer answer) {
  std::lock_guard guard{mutex_};
  if (finished_ || last_)
    return;
  if (answer.code != errc::none)
    finish(status_of(answer));
  else if (writing_)
    newest_ = std::move(answer);
  else
    write(answer);
}

void page_watch::write(const query_answer& answer) {
  v1::PageResponse message;
  to_message(ask_, answer, message);
  if (auto status = write_message(message, bytes_); !status.ok())
    return finish(std::move(status));
  writing_ = true;
  StartWrite(&bytes_);
}

void page_watch::OnWriteDone(bool ok) {
  std::lock_guard guard{mutex_};
  writing_ = false;
  if (last_)
    finish(std::move(*last_));
  else if (!ok)
    finish(cancelled());
  else if (newest_)
    write(*std::exchange(newest_, std::nullopt));
}

void page_watch::OnCancel() {
  finish(cancelled());
}

void page_watch::end() {
  finish(status_of(errc::shutting_down, "the node drains; watch again elsewhere or later"), true);
}

void page_watch::check() {
  if (auto held = still_holds(*place_, who_); !held.ok())
    finish(std::move(held));
}

void page_watch::finish(grpc::Status status, bool as_planned) {
  std::lock_guard guard{mutex_};
  if (finished_)
    return;
  newest_.reset();
  planned_ = planned_ || as_planned;
  // gRPC wants the write to be through first; a cancelled one comes back at once.
  if (writing_) {
    last_ = std::move(status);
    return;
  }
  finished_ = true;
  if (!planned_)
    trace_.ends(place_->config.traces, status);
  Finish(std::move(status));
}

void page_watch::OnDone() {
  place_->streams.remove(self_);
  // Not under the lock: the handler may wait for an update that runs just now.
  token_.reset();
  place_.leave();
  self_.reset();
}

} // namespace footfall::rpc
