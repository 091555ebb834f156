/* A function and a layer in C++17:
 *
 *   c++ -std=c++17 -O2 -Wall -Wextra -Wpedantic -Werror -fPIC -shared -fvisibility=hidden \
 *      -static-libstdc++ -static-libgcc -Wl,--exclude-libs,ALL \
 *      -I handlers-sdk/abi/include -o libgreet_cpp.so integration/examples/cpp/greet.cpp
 *
 * The C++ runtime is linked in, so that the library runs where there is none, and keeps its symbols to itself.
 */
#include "faas.hpp"

namespace {

// An instance of either: there is nothing to keep but the host.
faas_status create(const faas_host *host, faas_bytes, void **self, faas_buf *why) {
    if (!faas::fits(host)) {
        static constexpr std::string_view missing = "the host lacks a member of version 1.0";
        *why = {faas::bytes(missing).ptr, missing.size(), nullptr, nullptr};
        return FAAS_E_UNSUPPORTED;
    }
    *self = const_cast<faas_host *>(host);
    return FAAS_OK;
}

const faas_host *host_of(void *self) { return static_cast<const faas_host *>(self); }

// Greets whom the event names. An empty event is an exception.
faas_status greet(void *self, faas_inv *inv, faas_tok *) {
    return faas::guarded(host_of(self), inv, [](faas::Invocation &invocation) {
        const std::string name(invocation.event());
        if (name.empty()) throw std::invalid_argument("expected a name, found an empty event");
        invocation.reply(FAAS_REPLY_VALUE, "hello, " + name);
        return FAAS_OK;
    });
}

// Says on the reply which language it passed through.
faas_status stamp(void *self, uint32_t, faas_inv *inv, faas_tok *) {
    return faas::guarded(host_of(self), inv, [](faas::Invocation &invocation) {
        return invocation.set(FAAS_LIST_REPLY_HEADER, "x-stamp", "C++");
    });
}

faas_function function() {
    faas_function made{};
    made.size = sizeof made;
    made.name = faas::bytes("greet");
    made.flags = FAAS_IS_INLINE | FAAS_IS_REENTRANT;
    made.create = create;
    made.invoke = greet;
    return made;
}

faas_layer layer() {
    faas_layer made{};
    made.size = sizeof made;
    made.name = faas::bytes("stamp");
    made.flags = FAAS_IS_INLINE | FAAS_IS_REENTRANT;
    made.after_phases = FAAS_PHASE_BIT(FAAS_INVOKE);
    made.create = create;
    made.after = stamp;
    return made;
}

const faas_module *module() {
    static const faas_function greet = function();
    static const faas_function *const functions[] = {&greet};
    static const faas_layer stamp = layer();
    static const faas_layer *const layers[] = {&stamp};
    static faas_module made{};
    made.size = sizeof made;
    made.magic = FAAS_MAGIC;
    made.major = FAAS_MAJOR;
    made.name = faas::bytes("greet-cpp");
    made.version = faas::bytes("0.1.0");
    made.built_with = faas::bytes("C++17");
    made.functions = functions;
    made.function_count = 1;
    made.layers = layers;
    made.layer_count = 1;
    return &made;
}

} // namespace

const faas_module *faas_module_v1(uint32_t host_major, uint32_t) {
    static const faas_module *const made = module();
    return host_major == FAAS_MAJOR ? made : nullptr;
}
