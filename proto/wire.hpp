#pragma once

#include <caf/all.hpp>

/// The one place that knows how CAF 0.17 writes messages down. CAF 1.x differs
/// in what stands here, and nowhere else.
namespace footfall::wire {

/// Inspects the fields of a value: `return wire::object(f, "click", x.a, x.b);`
/// `name` is what peers know the type by.
template <class Inspector, class... Fields>
typename Inspector::result_type object(Inspector& f, const char* name, Fields&... fields) {
  return f(caf::meta::type_name(name), fields...);
}

/// The same for an answer that may be a refusal: its `code` and `reason`, then the fields.
template <class Inspector, class Reply, class... Fields>
auto reply(Inspector& f, const char* name, Reply& x, Fields&... fields) {
  auto code = static_cast<uint8_t>(x.code);
  auto load = [&]() -> caf::error {
    x.code = static_cast<decltype(x.code)>(code);
    return caf::none;
  };
  return f(caf::meta::type_name(name), code, x.reason, fields..., caf::meta::load_callback(load));
}

template <class Signature>
struct rpc_trait;

template <class R, class... Args>
struct rpc_trait<R(Args...)> {
  using type = typename caf::replies_to<Args...>::template with<R>;
};

template <class... Args>
struct rpc_trait<void(Args...)> {
  using type = caf::reacts_to<Args...>;
};

/// One message of a typed interface, as a function type: `rpc<answer(question)>`.
/// `void` means that there is no answer.
template <class Signature>
using rpc = typename rpc_trait<Signature>::type;

} // namespace footfall::wire
