#include "db/redis/link.hpp"

#include <cerrno>
#include <cstring>

#include <hiredis/hiredis.h>
#include <poll.h>
#include <sys/socket.h>

namespace footfall::redis {

void reply_closer::operator()(redisReply* x) const {
  freeReplyObject(x);
}

void link::closer::operator()(redisContext* x) const {
  redisFree(x);
}

link::link() = default;
link::~link() = default;

bool link::open(const std::string& host, uint16_t port) {
  context_.reset(redisConnectNonBlock(host.c_str(), port));
  connecting_ = true;
  to_send_ = false;
  if (!context_) {
    failure_ = "out of memory";
    return false;
  }
  return context_->err == 0 || broke();
}

void link::close() {
  context_.reset();
}

bool link::broke() {
  if (context_ && context_->err != 0)
    failure_ = context_->errstr;
  context_.reset();
  return false;
}

void link::add(const std::vector<std::string_view>& words) {
  std::vector<const char*> values;
  std::vector<size_t> sizes;
  for (auto x : words) {
    values.push_back(x.data());
    sizes.push_back(x.size());
  }
  redisAppendCommandArgv(context_.get(), static_cast<int>(words.size()), values.data(),
                         sizes.data());
  to_send_ = true;
}

bool link::turn(int other, std::chrono::milliseconds most) {
  if (!connecting_ && to_send_) {
    int done = 0;
    if (redisBufferWrite(context_.get(), &done) != REDIS_OK)
      return broke();
    to_send_ = done == 0;
  }
  const short wanted = connecting_ || to_send_ ? POLLIN | POLLOUT : POLLIN;
  pollfd both[] = {{context_->fd, wanted, 0}, {other, POLLIN, 0}};
  if (poll(both, 2, static_cast<int>(most.count())) < 0 && errno != EINTR) {
    failure_ = std::strerror(errno);
    return broke();
  }
  if (both[0].revents == 0)
    return true;
  if (connecting_) {
    int err = 0;
    socklen_t size = sizeof err;
    getsockopt(context_->fd, SOL_SOCKET, SO_ERROR, &err, &size);
    if (err != 0) {
      failure_ = std::strerror(err);
      context_.reset();
      return false;
    }
    connecting_ = false;
    return true;
  }
  if ((both[0].revents & ~POLLOUT) != 0 && redisBufferRead(context_.get()) != REDIS_OK)
    return broke();
  return true;
}

reply link::next(bool& broken) {
  void* out = nullptr;
  broken = redisGetReplyFromReader(context_.get(), &out) != REDIS_OK;
  if (broken)
    broke();
  return reply{static_cast<redisReply*>(out)};
}

} // namespace footfall::redis
