// A little C++17 over faas.h, to copy: texts as string_view, bodies that free themselves, exceptions that end where they
// began. Nothing in it is needed; faas.h alone is enough.
#ifndef FAAS_HPP
#define FAAS_HPP

#include "faas.h"

#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>

namespace faas {

inline faas_bytes bytes(std::string_view text) {
    return {reinterpret_cast<const uint8_t *>(text.data()), text.size()};
}

inline std::string_view view(faas_bytes bytes) {
    return {reinterpret_cast<const char *>(bytes.ptr), bytes.len};
}

// A text that the host frees, through us, when it is done with it.
inline faas_buf give(std::string text) {
    auto *owner = new std::string(std::move(text));
    return {reinterpret_cast<const uint8_t *>(owner->data()), owner->size(),
            [](void *owner) { delete static_cast<std::string *>(owner); }, owner};
}

// One invocation, for as long as one call of the module.
class Invocation {
public:
    Invocation(const faas_host *host, faas_inv *inv) : host_(host), inv_(inv) {}

    std::string_view event() const { return view(host_->event(inv_)); }
    std::string_view meta(uint32_t key) const { return view(host_->meta(inv_, key)); }
    faas_status set(uint32_t list, std::string_view name, std::string_view value) {
        return host_->set(inv_, list, bytes(name), bytes(value));
    }
    void reply(uint32_t code, std::string text) {
        if (host_->reply(inv_, code, give(std::move(text))) < 0) throw std::runtime_error("the host refused the reply");
    }

private:
    const faas_host *host_;
    faas_inv *inv_;
};

// Runs a call. No exception crosses the border: one that is thrown is the invocation's failure.
template <typename Call> faas_status guarded(const faas_host *host, faas_inv *inv, Call call) noexcept {
    std::string_view message = "an exception that is no std::exception";
    try {
        Invocation invocation(host, inv);
        return call(invocation);
    } catch (const std::exception &error) {
        host->fail(inv, bytes("Cpp.Exception"), bytes(error.what()), {nullptr, 0});
    } catch (...) {
        host->fail(inv, bytes("Cpp.Exception"), bytes(message), {nullptr, 0});
    }
    return FAAS_E_PANIC;
}

// The members without which nothing here works. They are all of version 1.0, and still a host may lack them.
inline bool fits(const faas_host *host) {
    return FAAS_HAS(faas_host, host, event) && FAAS_HAS(faas_host, host, meta) && FAAS_HAS(faas_host, host, set) &&
           FAAS_HAS(faas_host, host, reply) && FAAS_HAS(faas_host, host, fail);
}

} // namespace faas

#endif
