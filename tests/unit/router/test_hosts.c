/* test_hosts.c: which of the registered hosts an authority means, and which hosts can't be registered. */
#include "router/hosts.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static uint32_t find(const char *const *hosts, uint32_t count, const char *authority)
{
    struct host_name names[16];
    const char *why;
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(leat__host_parse(&names[i], hosts[i], &why), 0);
    void *memory = aligned_alloc(16, leat__hosts_size(count));
    const struct hosts *table = leat__hosts_compile(memory, names, count);
    size_t size = strlen(authority);
    char *exact = malloc(size + (size == 0)); /* no octet behind it */
    memcpy(exact, authority, size);
    uint32_t number = leat__hosts_find(table, exact, size);
    free(exact);
    free(memory);
    return number;
}

#define HOSTS(...)                                                                                 \
    (const char *const[]){__VA_ARGS__}, COUNT_OF(((const char *const[]){__VA_ARGS__}))

static void a_host_is_itself_whatever_its_case_port_or_last_dot(void **state)
{
    (void)state;
    static const char *const same[] = {"api.example",  "API.Example",  "api.example:8080",
                                       "api.example.", "api.example:", "api.example.:80"};
    for (size_t i = 0; i < COUNT_OF(same); i++)
        assert_int_equal(find(HOSTS("other", "Api.example"), same[i]), 2);
    static const char *const others[] = {"",
                                         "example",
                                         "xapi.example",
                                         "a.api.example",
                                         ".api.example",
                                         "api.example..",
                                         "api.examplex",
                                         ":80",
                                         "api",
                                         "[::1]"};
    for (size_t i = 0; i < COUNT_OF(others); i++)
        assert_int_equal(find(HOSTS("other", "Api.example"), others[i]), 0);
}

static void a_star_is_one_label_or_more(void **state)
{
    (void)state;
    assert_int_equal(find(HOSTS("*.example"), "www.example"), 1);
    assert_int_equal(find(HOSTS("*.example"), "a.b.c.EXAMPLE:81"), 1);
    assert_int_equal(find(HOSTS("*.example"), "example"), 0);
    assert_int_equal(find(HOSTS("*.example"), ".example"), 0);
    assert_int_equal(find(HOSTS("*.example"), "wwwexample"), 0);
    assert_int_equal(find(HOSTS("*.example"), "www.example.org"), 0);
}

static void the_most_exact_host_wins(void **state)
{
    (void)state;
    assert_int_equal(find(HOSTS("*.example", "www.example", "*.b.example"), "www.example"), 2);
    assert_int_equal(find(HOSTS("*.example", "www.example", "*.b.example"), "a.b.example"), 3);
    assert_int_equal(find(HOSTS("*.example", "www.example", "*.b.example"), "b.example"), 1);
    assert_int_equal(find(HOSTS("a.example", "a.example:81"), "a.example:81"), 2);
    assert_int_equal(find(HOSTS("a.example", "a.example:81"), "a.example:82"), 1);
    assert_int_equal(find(HOSTS("a.example", "*.example:81"), "a.example:81"), 1);
}

static void a_port_that_is_given_counts_and_80_goes_without_saying(void **state)
{
    (void)state;
    assert_int_equal(find(HOSTS("a.example:80"), "a.example"), 1);
    assert_int_equal(find(HOSTS("a.example:80"), "a.example:"), 1);
    assert_int_equal(find(HOSTS("a.example:80"), "a.example:8080"), 0);
    assert_int_equal(find(HOSTS("a.example:80"), "a.example:65616"), 0); /* 80 + 65536 */
    assert_int_equal(find(HOSTS("*.example:81"), "a.example:81"), 1);
    assert_int_equal(find(HOSTS("*.example:81"), "a.example"), 0);
}

static void ipv6_addresses_are_compared_as_addresses(void **state)
{
    (void)state;
    assert_int_equal(find(HOSTS("[2001:DB8:0::1]"), "[2001:db8::1]"), 1);
    assert_int_equal(find(HOSTS("[2001:db8::1]"), "[2001:0db8:0:0:0:0:0:1]:8080"), 1);
    assert_int_equal(find(HOSTS("[2001:db8::1]:81"), "[2001:db8::1]:81"), 1);
    assert_int_equal(find(HOSTS("[2001:db8::1]:81"), "[2001:db8::1]"), 0);
    assert_int_equal(find(HOSTS("[2001:db8::1]"), "[2001:db8::2]"), 0);
    assert_int_equal(find(HOSTS("[::1]"), "[::1"), 0);
    assert_int_equal(find(HOSTS("[::1]"), "[v1.x]"), 0);
    assert_int_equal(find(HOSTS("192.0.2.1"), "192.0.2.1:80"), 1);
}

static void what_is_no_host_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",
                                        ".",
                                        "*",
                                        "*.",
                                        "*example",
                                        "a.*.example",
                                        "a..b",
                                        ".a",
                                        "-:x",
                                        "a:0",
                                        "a:",
                                        "a:65536",
                                        "a:99999999999",
                                        "a b",
                                        "a/b",
                                        "http://a",
                                        "[::1",
                                        "[]",
                                        "[::1]x",
                                        "::1",
                                        "[fe80::1%eth0]",
                                        "\303\244.example",
                                        "a@b",
                                        "[1.2.3.4]"};
    struct host_name name;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        const char *why = NULL;
        if (leat__host_parse(&name, wrong[i], &why) != -EINVAL)
            fail_msg("\"%s\" is a host", wrong[i]);
        assert_non_null(why);
    }
    char label[HOST_LABEL_MAX + 2], longest[HOST_SIZE_MAX + 2];
    const char *why;
    memset(label, 'a', sizeof label);
    label[HOST_LABEL_MAX + 1] = '\0';
    assert_int_equal(leat__host_parse(&name, label, &why), -EINVAL);
    assert_int_equal(leat__host_parse(&name, label + 1, &why), 0);
    for (size_t i = 0; i < sizeof longest; i++)
        longest[i] = i % 2 ? '.' : 'a';
    longest[HOST_SIZE_MAX] = '\0';
    assert_int_equal(leat__host_parse(&name, longest, &why), 0);
    longest[HOST_SIZE_MAX] = 'b';
    longest[HOST_SIZE_MAX + 1] = '\0';
    assert_int_equal(leat__host_parse(&name, longest, &why), -EINVAL);
}

static void an_authority_of_any_size_is_looked_at_and_no_further(void **state)
{
    (void)state;
    static char endless[70000];
    for (size_t i = 0; i + 1 < sizeof endless; i++)
        endless[i] = i % 2 ? '.' : 'a';
    memcpy(endless + sizeof endless - 9, ".example", 8);
    assert_int_equal(find(HOSTS("*.example"), endless), 0);
    assert_int_equal(find(HOSTS("*.example"), endless + sizeof endless - 1 - HOST_SIZE_MAX), 1);
    memset(endless, ':', sizeof endless - 1);
    assert_int_equal(find(HOSTS("*.example"), endless), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_is_itself_whatever_its_case_port_or_last_dot),
        cmocka_unit_test(a_star_is_one_label_or_more),
        cmocka_unit_test(the_most_exact_host_wins),
        cmocka_unit_test(a_port_that_is_given_counts_and_80_goes_without_saying),
        cmocka_unit_test(ipv6_addresses_are_compared_as_addresses),
        cmocka_unit_test(what_is_no_host_is_refused),
        cmocka_unit_test(an_authority_of_any_size_is_looked_at_and_no_further),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
