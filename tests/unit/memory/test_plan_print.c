/* What people and programs read of a plan: every row, in columns; JSON that is JSON; the layout of structs. */
#include "memory_test.h"
#include "memory/plan.h"

static char text[65536];
static size_t text_size;

static void collect(void *to, const char *piece, size_t size)
{
    assert_ptr_equal(to, text);
    assert_true(text_size + size < sizeof text);
    memcpy(text + text_size, piece, size);
    text_size += size;
    text[text_size] = '\0';
}

static struct plan plan;

static void make(const char *pool_name)
{
    static struct plan_user_pool pools[1];
    pools[0] = (struct plan_user_pool){pool_name, 96, 10000};
    struct plan_input in = {.shards = 2,
                            .connections = 1000000,
                            .exchanges = 4096,
                            .content_total = 64 << 20,
                            .content_max = 1 << 20,
                            .listeners = 2,
                            .uring = true,
                            .memory = 512 << 20,
                            .machine_memory = 24ull << 30,
                            .descriptor_limit = 1100000,
                            .user_pools = pools,
                            .user_pool_count = 1};
    char error[512];
    assert_int_equal(leat__plan_make(&plan, &in, error, sizeof error), 0);
    text_size = 0;
}

static void bytes_are_told_in_the_unit_that_fits(void **state)
{
    (void)state;
    const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = {{0, "0 B"},
                 {1023, "1023 B"},
                 {1024, "1.0 KiB"},
                 {1536, "1.5 KiB"},
                 {1048575, "1.0 MiB"},
                 {(uint64_t)64 << 20, "64.0 MiB"},
                 {(uint64_t)3 << 40, "3.0 TiB"},
                 {UINT64_MAX, "16.0 EiB"}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char human[PLAN_HUMAN_SIZE];
        assert_string_equal(leat__plan_human(human, cases[i].bytes), cases[i].text);
    }
}

static void the_table_has_every_row_and_the_sums(void **state)
{
    (void)state;
    make("order");
    leat__plan_print(&plan, collect, text);
    for (uint32_t i = 0; i < plan.row_count; i++)
        assert_non_null(strstr(text, plan.rows[i].what));
    assert_non_null(strstr(text, "connection slot                  32 B   1,008,640 "));
    assert_non_null(strstr(text, "content                                  (shared)     64.0 MiB"));
    assert_non_null(strstr(text, "all of ours "));
    assert_non_null(strstr(text, " of 512.0 MiB   (the peak can't pass this)\n"));
    assert_non_null(strstr(text, "the kernel's, estimated"));
    assert_non_null(strstr(text, " of 24.0 GiB\n"));
    assert_non_null(strstr(text, " of 1,100,000\n"));
    assert_true(strstr(text, "all of ours ") < strstr(text, "socket buffers"));
}

/* Enough of a JSON reader to say whether text is one value. */
static const char *json_value(const char *at);

static const char *json_string(const char *at)
{
    assert_int_equal(*at++, '"');
    while (*at != '"') {
        assert_true((unsigned char)*at >= 0x20);
        if (*at == '\\') {
            at++;
            assert_non_null(strchr("\"\\u", *at));
            if (*at == 'u') {
                assert_int_equal(strspn(at + 1, "0123456789abcdef"), 4);
                at += 4;
            }
        }
        at++;
    }
    return at + 1;
}

static const char *json_space(const char *at)
{
    return at + strspn(at, " \n");
}

static const char *json_members(const char *at, char close, bool named)
{
    for (at = json_space(at + 1); *at != close; at = json_space(at)) {
        if (named) {
            at = json_space(json_string(at));
            assert_int_equal(*at++, ':');
        }
        at = json_space(json_value(json_space(at)));
        if (*at == ',') {
            at = json_space(at + 1);
            assert_int_not_equal(*at, close);
        } else {
            assert_int_equal(*at, close);
        }
    }
    return at + 1;
}

static const char *json_value(const char *at)
{
    if (*at == '{')
        return json_members(at, '}', true);
    if (*at == '[')
        return json_members(at, ']', false);
    if (*at == '"')
        return json_string(at);
    size_t digits = strspn(at, "0123456789");
    assert_true(digits > 0);
    return at + digits;
}

static void the_json_is_json_with_every_row(void **state)
{
    (void)state;
    make("an \"order\" \\ of\n sorts");
    leat__plan_print_json(&plan, collect, text);
    const char *end = json_space(json_value(text));
    assert_int_equal(*end, '\0');
    size_t rows = 0;
    for (const char *at = text; (at = strstr(at, "{\"what\": ")) != NULL; at++)
        rows++;
    assert_int_equal(rows, plan.row_count);
    char sum[64];
    snprintf(sum, sizeof sum, "\"ours\": %llu,", (unsigned long long)plan.ours);
    assert_non_null(strstr(text, sum));
    assert_non_null(strstr(text, "an \\\"order\\\" \\\\ of\\u000a sorts"));
}

static void the_layout_shows_fields_and_lines(void **state)
{
    (void)state;
    struct sample {
        uint64_t first;
        char line[64];
    };
    const struct layout_row rows[] = {
        LAYOUT_STRUCT(struct sample),
        LAYOUT_FIELD(struct sample, first),
        LAYOUT_FIELD(struct sample, line),
    };
    text_size = 0;
    leat__plan_print_layout(rows, COUNT_OF(rows), collect, text);
    assert_string_equal(text, "struct sample, 72 bytes, 2 cache lines\n"
                              "  offset    size    line  field\n"
                              "       0       8       0  first\n"
                              "       8      64       0  line\n");
}

static void the_rooms_own_layout_is_in_order(void **state)
{
    (void)state;
    size_t count;
    const struct layout_row *rows = leat__memory_layout(&count);
    for (size_t i = 0; i < count; i++) {
        if (rows[i].field == NULL)
            continue;
        assert_true(i > 0 && strcmp(rows[i].structure, rows[i - 1].structure) == 0);
        assert_true(rows[i - 1].field == NULL || rows[i].offset > rows[i - 1].offset);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_told_in_the_unit_that_fits),
        cmocka_unit_test(the_table_has_every_row_and_the_sums),
        cmocka_unit_test(the_json_is_json_with_every_row),
        cmocka_unit_test(the_layout_shows_fields_and_lines),
        cmocka_unit_test(the_rooms_own_layout_is_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
