#include "net/grpc/reflection_service.hpp"

#include <set>
#include <string>
#include <vector>

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include "net/grpc/call.hpp"

namespace footfall::rpc {

namespace {

using google::protobuf::FileDescriptor;
using request = reflection_service::request;
using response = reflection_service::response;

constexpr const char* services[] = {"analytics.AnalyticsService",
                                    "footfall.v1.Ingest",
                                    "footfall.v1.Stats",
                                    "grpc.health.v1.Health",
                                    "grpc.reflection.v1.ServerReflection",
                                    "grpc.reflection.v1alpha.ServerReflection"};

const google::protobuf::DescriptorPool& pool() {
  return *google::protobuf::DescriptorPool::generated_pool();
}

void refuse(response& out, grpc::StatusCode code, const std::string& text) {
  out.mutable_error_response()->set_error_code(code);
  out.mutable_error_response()->set_error_message(text);
}

/// What is said on one stream: a file goes over it once, with what it imports.
class teller {
public:
  void answer(const request& asked, response& out) {
    out.set_valid_host(asked.host());
    *out.mutable_original_request() = asked;
    switch (asked.message_request_case()) {
    case request::kListServices:
      for (const auto* name : services)
        out.mutable_list_services_response()->add_service()->set_name(name);
      return;
    case request::kFileByFilename:
      return tell(pool().FindFileByName(asked.file_by_filename()), out);
    case request::kFileContainingSymbol:
      return tell(pool().FindFileContainingSymbol(asked.file_containing_symbol()), out);
    case request::kFileContainingExtension: return tell_extension(asked, out);
    case request::kAllExtensionNumbersOfType: return tell_numbers(asked, out);
    default: refuse(out, grpc::StatusCode::INVALID_ARGUMENT, "the request asks for nothing");
    }
  }

private:
  void tell(const FileDescriptor* file, response& out) {
    if (!file)
      return refuse(out, grpc::StatusCode::NOT_FOUND, "there is no such file, symbol or extension");
    out.mutable_file_descriptor_response();
    add(*file, out);
  }

  void add(const FileDescriptor& file, response& out) {
    if (!told_.insert(file.name()).second)
      return;
    google::protobuf::FileDescriptorProto text;
    file.CopyTo(&text);
    text.SerializeToString(out.mutable_file_descriptor_response()->add_file_descriptor_proto());
    for (int i = 0; i < file.dependency_count(); ++i)
      add(*file.dependency(i), out);
  }

  void tell_extension(const request& asked, response& out) {
    const auto& wanted = asked.file_containing_extension();
    const auto* type = pool().FindMessageTypeByName(wanted.containing_type());
    const auto* found =
        type ? pool().FindExtensionByNumber(type, wanted.extension_number()) : nullptr;
    tell(found ? found->file() : nullptr, out);
  }

  void tell_numbers(const request& asked, response& out) {
    const auto& name = asked.all_extension_numbers_of_type();
    const auto* type = pool().FindMessageTypeByName(name);
    if (!type)
      return refuse(out, grpc::StatusCode::NOT_FOUND, "there is no such message");
    auto& answer = *out.mutable_all_extension_numbers_response();
    answer.set_base_type_name(name);
    std::vector<const google::protobuf::FieldDescriptor*> all;
    pool().FindAllExtensions(type, &all);
    for (const auto* x : all)
      answer.add_extension_number(x->number());
  }

  std::set<std::string> told_;
};

/// One stream: a question, its answer, the next question.
class reflection_stream final : public grpc::ServerBidiReactor<request, response>,
                                public drainable,
                                public std::enable_shared_from_this<reflection_stream> {
public:
  explicit reflection_stream(edge_ptr edge) : place_(std::move(edge)) {}

  void start() {
    self_ = shared_from_this();
    if (!place_)
      finish(no_place(*place_));
    else if (!place_->streams.add(self_))
      end();
    else
      StartRead(&asked_);
  }

  void OnReadDone(bool ok) override {
    std::lock_guard guard{mutex_};
    if (finished_)
      return;
    if (!ok)
      return finish(grpc::Status::OK);
    answer_.Clear();
    teller_.answer(asked_, answer_);
    StartWrite(&answer_);
  }

  void OnWriteDone(bool ok) override {
    std::lock_guard guard{mutex_};
    if (finished_)
      return;
    if (!ok)
      return finish(cancelled());
    StartRead(&asked_);
  }

  void OnCancel() override { finish(cancelled()); }

  void OnDone() override {
    place_->streams.remove(self_);
    place_.leave();
    self_.reset();
  }

  void end() override { finish({grpc::StatusCode::UNAVAILABLE, "the node drains"}); }

private:
  void finish(grpc::Status status) {
    std::lock_guard guard{mutex_};
    if (finished_)
      return;
    finished_ = true;
    Finish(std::move(status));
  }

  call_place place_;
  std::recursive_mutex mutex_; ///< As in event_stream: gRPC may call back at once.
  bool finished_ = false;
  request asked_;
  response answer_;
  teller teller_;
  std::shared_ptr<reflection_stream> self_;
};

} // namespace

grpc::ServerBidiReactor<request, response>*
reflection_service::ServerReflectionInfo(grpc::CallbackServerContext*) {
  auto stream = std::make_shared<reflection_stream>(edge_);
  stream->start();
  return stream.get();
}

} // namespace footfall::rpc
