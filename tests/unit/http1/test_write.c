/* test_write.c: heads of responses, octet for octet; that nothing is written beyond the room that
 * was asked for. */
#include "replay.h"

static const char date[] = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";

/* Written right before a page that cannot be written, with just the room that is needed. */
static void check(const struct http1_response *r, const char *expected)
{
    size_t room = HTTP1_HEAD_ROOM + r->fields_size;
    char *out = replay_guard() - room;
    size_t size = leat__http1_write_head(out, room, r);
    assert_int_equal(size, strlen(expected));
    assert_memory_equal(out, expected, size);
    memset(out, '#', room);
    assert_int_equal(leat__http1_write_head(out, room - 1, r), 0);
    assert_int_equal(out[0], '#');
}

static void typical_heads(void **state)
{
    (void)state;
    static const char fields[] = "Content-Type: text/plain\r\n";
    check(&(struct http1_response){.status = 200,
                                   .fields = fields,
                                   .fields_size = sizeof fields - 1,
                                   .date = date,
                                   .content_length = 13,
                                   .has_length = true},
          "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 13\r\n"
          "Content-Type: text/plain\r\n\r\n");
    check(&(struct http1_response){.status = 204}, "HTTP/1.1 204 No Content\r\n\r\n");
    check(&(struct http1_response){.status = 100}, "HTTP/1.1 100 Continue\r\n\r\n");
    check(&(struct http1_response){.status = 431, .has_length = true, .close = true},
          "HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Length: 0\r\n"
          "Connection: close\r\n\r\n");
    check(&(struct http1_response){.status = 200, .has_length = true, .keep_alive = true},
          "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n");
    check(&(struct http1_response){.status = 299}, "HTTP/1.1 299 Unknown\r\n\r\n");
    check(&(struct http1_response){.status = 999}, "HTTP/1.1 999 Unknown\r\n\r\n");
}

static void the_longest_head(void **state)
{
    (void)state;
    check(&(struct http1_response){.status = 511,
                                   .date = date,
                                   .content_length = UINT64_MAX,
                                   .has_length = true,
                                   .keep_alive = true},
          "HTTP/1.1 511 Network Authentication Required\r\n"
          "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 18446744073709551615\r\n"
          "Connection: keep-alive\r\n\r\n");
}

static void every_length(void **state)
{
    (void)state;
    static const uint64_t around[] = {0,
                                      10,
                                      100,
                                      1000,
                                      10000,
                                      1000000,
                                      10000000000u,
                                      1000000000000000000u,
                                      10000000000000000000u,
                                      UINT64_MAX};
    for (size_t i = 0; i < COUNT_OF(around); i++) {
        for (uint64_t by = 0; by < 3; by++) {
            uint64_t length = around[i] + by - 1;
            char expected[128];
            snprintf(expected, sizeof expected, "HTTP/1.1 200 OK\r\nContent-Length: %llu\r\n\r\n",
                     (unsigned long long)length);
            check(&(struct http1_response){.status = 200, .content_length = length, .has_length = true},
                  expected);
        }
    }
}

/* Fields are copied in pieces of fixed size, so every size up to some of these is tried, read right
 * before a page that cannot be read. */
static void fields_of_every_size(void **state)
{
    (void)state;
    char *end = mmap(NULL, 2 * PAGE_SIZE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                     -1, 0);
    assert_ptr_not_equal((void *)end, MAP_FAILED);
    end += PAGE_SIZE_BYTES;
    for (size_t i = 1; i <= 300; i++)
        end[-(ptrdiff_t)i] = (char)('a' + i % 26);
    assert_int_equal(mprotect(end, PAGE_SIZE_BYTES, PROT_NONE), 0);
    for (size_t size = 0; size <= 300; size++) {
        char expected[512] = "HTTP/1.1 404 Not Found\r\n";
        size_t at = strlen(expected);
        memcpy(expected + at, end - size, size);
        strcpy(expected + at + size, "\r\n");
        check(&(struct http1_response){.status = 404, .fields = end - size, .fields_size = size},
              expected);
    }
    munmap(end - PAGE_SIZE_BYTES, 2 * PAGE_SIZE_BYTES);
}

static void every_status(void **state)
{
    (void)state;
    for (unsigned status = 100; status < 600; status++) {
        char expected[128];
        size_t size = 0;
        const char *line = leat__http_status_line(status, &size);
        snprintf(expected, sizeof expected, "HTTP/1.1 %u %s\r\n\r\n", status, leat__http_reason(status));
        check(&(struct http1_response){.status = status}, expected);
        if (line != NULL)
            assert_int_equal(size, strlen(expected) - 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(typical_heads), cmocka_unit_test(the_longest_head),
        cmocka_unit_test(every_length),  cmocka_unit_test(fields_of_every_size),
        cmocka_unit_test(every_status),
    };
    return cmocka_run_group_tests_name("write", tests, NULL, NULL);
}
