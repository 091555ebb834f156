/* made: answers 201 "made" with a content type, two headers of one name and a cookie. In C, so that no SDK stands between
 * the test and the contract. */

#include "../c/instance.h"
#include <string.h>

static void add(faas_inv *inv, uint32_t list, const char *name, const char *value) {
    faas_bytes left = {(const uint8_t *)name, strlen(name)}, right = {(const uint8_t *)value, strlen(value)};
    host->add(inv, list, left, right);
}

static faas_status made(void *self, faas_inv *inv, faas_tok *tok) {
    (void)self;
    (void)tok;
    add(inv, FAAS_LIST_REPLY_HEADER, "Content-Type", "text/plain");
    add(inv, FAAS_LIST_REPLY_HEADER, "X-Twice", "1");
    add(inv, FAAS_LIST_REPLY_HEADER, "X-Twice", "2");
    add(inv, FAAS_LIST_REPLY_COOKIE, "c", "c=d; Path=/");
    faas_buf body = {(const uint8_t *)"made", 4, NULL, NULL};
    return host->reply(inv, 201, body);
}

static const faas_function entry = {sizeof(faas_function), LITERAL("made"), FAAS_IS_INLINE, 0, 0, 0,
                                    {NULL, 0},             create,          made,           NULL, NULL, NULL};
static const faas_function *const functions[] = {&entry};
static const faas_module module = {
    sizeof(faas_module), FAAS_MAGIC, FAAS_MAJOR, 0, LITERAL("made"), LITERAL("1"), LITERAL("C11"),
    functions, sizeof functions / sizeof functions[0], NULL, 0,
};

const faas_module *faas_module_v1(uint32_t host_major, uint32_t host_minor) {
    (void)host_major;
    (void)host_minor;
    return &module;
}
