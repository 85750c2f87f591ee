/// footfall_load_grpc: unary GetEventCount calls, so many in flight, from one thread.
#include <cstdlib>
#include <memory>

#include <CLI/CLI.hpp>
#include <absl/synchronization/mutex.h>
#include <grpcpp/grpcpp.h>

#include "analytics/analytics.grpc.pb.h"
#include "bench/load_events.hpp"
#include "bench/load_report.hpp"

namespace {

using namespace footfall::bench;
using service = analytics::AnalyticsService;

struct plan {
  std::string address;
  size_t in_flight = 32;
  size_t channels = 4;
  double seconds = 5;
  event_plan clicks;
};

struct call {
  grpc::ClientContext context;
  grpc::Status status;
  analytics::EventCountRequest request;
  analytics::EventCountResponse response;
  steady::time_point since;
  size_t channel = 0;
};

class generator {
public:
  explicit generator(const plan& from) : plan_(from), clicks_(from.clicks) {
    for (size_t i = 0; i < from.channels; ++i) {
      // Without a setting of its own a channel would share the others' connection.
      grpc::ChannelArguments own;
      own.SetInt("footfall.bench.channel", static_cast<int>(i));
      stubs_.push_back(service::NewStub(
          grpc::CreateCustomChannel(from.address, grpc::InsecureChannelCredentials(), own)));
    }
  }

  void run() {
    const auto begin = steady::now();
    const auto end = begin
                     + std::chrono::duration_cast<steady::duration>(
                         std::chrono::duration<double>(plan_.seconds));
    for (size_t i = 0; i < plan_.in_flight; ++i)
      start(i % plan_.channels);
    void* tag = nullptr;
    bool ok = false;
    for (size_t open = plan_.in_flight; open > 0 && queue_.Next(&tag, &ok);) {
      std::unique_ptr<call> x{static_cast<call*>(tag)};
      if (x->status.ok()) {
        ++report_.requests;
        report_.took(x->since);
      } else {
        ++report_.errors[x->status.error_code()];
      }
      if (steady::now() < end)
        start(x->channel);
      else
        --open;
    }
    report_.print(std::chrono::duration<double>(steady::now() - begin).count());
  }

private:
  void start(size_t channel) {
    auto x = std::make_unique<call>();
    x->channel = channel;
    clicks_.draw();
    clicks_.append_page(*x->request.mutable_page_url());
    clicks_.append_user(*x->request.mutable_user_id());
    x->since = steady::now();
    auto reader = stubs_[channel]->AsyncGetEventCount(&x->context, x->request, &queue_);
    reader->Finish(&x->response, &x->status, x.get());
    x.release(); // The queue hands it back as the tag.
  }

  const plan& plan_;
  event_maker clicks_;
  std::vector<std::unique_ptr<service::Stub>> stubs_;
  grpc::CompletionQueue queue_;
  load_report report_;
};

} // namespace

int main(int argc, char** argv) {
  plan from;
  CLI::App app{"Calls analytics.AnalyticsService/GetEventCount and prints the outcome as JSON."};
  app.add_option("--address", from.address, "host:port")->required();
  app.add_option("--in-flight", from.in_flight);
  app.add_option("--channels", from.channels);
  app.add_option("--seconds", from.seconds);
  app.add_option("--pages", from.clicks.pages);
  app.add_option("--users", from.clicks.users);
  CLI11_PARSE(app, argc, argv);
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore); // As the server does.
  generator{from}.run();
}
