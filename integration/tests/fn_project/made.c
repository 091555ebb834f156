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

FUNCTION_ENTRY(made, "made", FAAS_IS_INLINE, 0, made, NULL);
static const faas_function *const functions[] = {&made_entry};

MODULE("made", .version = LITERAL("1"))
