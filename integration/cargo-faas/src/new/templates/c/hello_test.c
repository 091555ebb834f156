/* The test of hello.c, a program by itself: README.md has the command. */
#include "../hello.c"

#include <assert.h>
#include <stdio.h>

static void is_greeted(const char *name, const char *expected)
{
    const faas_bytes bytes = {(const uint8_t *)name, strlen(name)};
    char text[64];
    size_t len = greet(bytes, NULL);
    assert(len == strlen(expected) && len <= sizeof text);
    (void)greet(bytes, text);
    assert(memcmp(text, expected, len) == 0);
}

int main(void)
{
    is_greeted("ada", "hello, ada");
    is_greeted("", "hello, ");
    puts("ok");
    return 0;
}
