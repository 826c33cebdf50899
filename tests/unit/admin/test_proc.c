/* test_proc.c: numbers out of the kernel's texts, whole, strange and cut off. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <unistd.h>

#include "admin/proc.h"

static const char stat_text[] = "4711 (a) b (c) S 1 4711 4711 0 -1 4194560 111 0 2 0 7 8 0 0 20 0 "
                                "3 0 12345 987654144 2222 18446744073709551615 1 1 0\n";

static void fields_of_stat_are_counted_behind_a_name_with_anything_in_it(void **state)
{
    (void)state;
    assert_int_equal(leat__proc_stat(stat_text, 4), 1);
    assert_int_equal(leat__proc_stat(stat_text, 10), 111);
    assert_int_equal(leat__proc_stat(stat_text, 20), 3);
    assert_int_equal(leat__proc_stat(stat_text, 22), 12345);
    assert_int_equal(leat__proc_stat(stat_text, 23), 987654144);
    assert_int_equal(leat__proc_stat(stat_text, 24), 2222);
    assert_true(leat__proc_stat(stat_text, 25) == UINT64_MAX);
    assert_int_equal(leat__proc_stat(stat_text, 400), 0);
    assert_int_equal(leat__proc_stat("", 20), 0);
    assert_int_equal(leat__proc_stat("no bracket 1 2 3", 4), 0);
    assert_int_equal(leat__proc_stat("1 (x)", 3), 0);
}

static const char sockstat_text[] = "sockets: used 283\n"
                                    "TCP: inuse 28 orphan 1 tw 5 alloc 41 mem 17\n"
                                    "UDP: inuse 3 mem 2\nFRAG: inuse 0 memory 0\n";

static void a_number_behind_its_name_in_its_group(void **state)
{
    (void)state;
    assert_int_equal(leat__proc_sockstat(sockstat_text, "TCP:", "mem"), 17);
    assert_int_equal(leat__proc_sockstat(sockstat_text, "TCP:", "inuse"), 28);
    assert_int_equal(leat__proc_sockstat(sockstat_text, "UDP:", "mem"), 2);
    assert_int_equal(leat__proc_sockstat(sockstat_text, "sockets:", "used"), 283);
    assert_int_equal(leat__proc_sockstat(sockstat_text, "FRAG:", "mem"), 0);
    assert_int_equal(leat__proc_sockstat(sockstat_text, "UDP:", "orphan"), 0);
    assert_int_equal(leat__proc_sockstat(sockstat_text, "TCP6:", "mem"), 0);
    assert_int_equal(leat__proc_sockstat("TCP: mem", "TCP:", "mem"), 0);
    assert_int_equal(leat__proc_sockstat("", "TCP:", "mem"), 0);
}

static const char columns_text[] =
    "Ip: Forwarding DefaultTTL\nIp: 1 64\n"
    "Tcp: RtoAlgorithm MaxConn RetransSegs InErrs\nTcp: 1 -1 4242 5\n"
    "TcpExt: SyncookiesSent ListenOverflows ListenDrops\nTcpExt: 9 77 78\n"
    "Udp: A B C\nUdp: 1\n"
    "Odd: A\n";

static void a_number_below_its_name(void **state)
{
    (void)state;
    assert_int_equal(leat__proc_column(columns_text, "Tcp:", "RetransSegs"), 4242);
    assert_int_equal(leat__proc_column(columns_text, "Tcp:", "InErrs"), 5);
    assert_int_equal(leat__proc_column(columns_text, "TcpExt:", "ListenOverflows"), 77);
    assert_int_equal(leat__proc_column(columns_text, "TcpExt:", "ListenDrops"), 78);
    assert_int_equal(leat__proc_column(columns_text, "TcpExt:", "Listen"), 0);
    assert_int_equal(leat__proc_column(columns_text, "Ip:", "RetransSegs"), 0); /* of another group */
    assert_int_equal(leat__proc_column(columns_text, "Udp:", "C"), 0); /* fewer numbers than names */
    assert_int_equal(leat__proc_column(columns_text, "Odd:", "A"), 0); /* and none at all */
    assert_int_equal(leat__proc_column(columns_text, "No:", "A"), 0);
}

/* As the file grows beyond what is read of it. */
static void a_text_may_be_cut_off_anywhere(void **state)
{
    (void)state;
    const char *const texts[] = {stat_text, sockstat_text, columns_text};
    for (unsigned t = 0; t < 3; t++)
        for (size_t size = 0; size <= strlen(texts[t]); size++) {
            char *cut = malloc(size + 1); /* of its size: a sanitizer sees what is read behind it */
            memcpy(cut, texts[t], size);
            cut[size] = '\0';
            assert_true(leat__proc_stat(cut, 24) <= 2222);
            assert_true(leat__proc_sockstat(cut, "TCP:", "mem") <= 17);
            assert_true(leat__proc_column(cut, "Tcp:", "RetransSegs") <= 4242);
            assert_true(leat__proc_column(cut, "TcpExt:", "ListenOverflows") <= 77);
            free(cut);
        }
}

static void this_machine_s_own_texts_are_understood(void **state)
{
    (void)state;
    char text[4096] = "";
    FILE *file = fopen("/proc/self/stat", "re");
    assert_non_null(file);
    assert_true(fread(text, 1, sizeof text - 1, file) > 0);
    fclose(file);
    assert_int_equal(leat__proc_stat(text, 20), 1); /* threads */
    assert_int_equal(leat__proc_stat(text, 4), (uint64_t)getppid());
    assert_true(leat__proc_stat(text, 23) > leat__proc_stat(text, 24) * PAGE_SIZE_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_of_stat_are_counted_behind_a_name_with_anything_in_it),
        cmocka_unit_test(a_number_behind_its_name_in_its_group),
        cmocka_unit_test(a_number_below_its_name),
        cmocka_unit_test(a_text_may_be_cut_off_anywhere),
        cmocka_unit_test(this_machine_s_own_texts_are_understood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
