/* test_welcome.c: the page shows the plan it is given, asks for nothing from outside, and is whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "exchange/app.h"
#include "handler/welcome.h"

static leat_app *app;
static struct welcome *welcome;
static const char *page;

static struct plan make_plan(const char *pool_name)
{
    static struct plan_user_pool pool;
    struct plan plan;
    char error[256];
    pool = (struct plan_user_pool){pool_name, 96, 10000};
    struct plan_input input = {
        .shards = 2,
        .connections = 12345,
        .exchanges = 67,
        .content_total = 64 << 20,
        .content_max = 1 << 20,
        .listeners = 2,
        .memory = 256 << 20,
        .user_pools = &pool,
        .user_pool_count = 1,
    };
    assert_int_equal(leat__plan_make(&plan, &input, error, sizeof error), 0);
    return plan;
}

static int fill(void **state)
{
    (void)state;
    size_t size;
    app = leat_app_create();
    welcome = leat__welcome_create(app);
    struct plan plan = make_plan("<script>\"&'");
    leat__welcome_fill(welcome, &plan);
    page = leat__welcome_page(welcome, &size);
    return strlen(page) == size ? 0 : -1;
}

static int empty(void **state)
{
    (void)state;
    leat_app_destroy(app);
    return 0;
}

static unsigned count_of(const char *what)
{
    unsigned count = 0;
    for (const char *at = page; (at = strstr(at, what)) != NULL; at++)
        count++;
    return count;
}

static void every_row_of_the_plan_is_shown(void **state)
{
    (void)state;
    struct plan plan = make_plan("order");
    char sum[PLAN_HUMAN_SIZE];
    unsigned rows = 0;
    for (uint32_t i = 0; i < plan.row_count; i++)
        rows += plan.rows[i].kind != PLAN_DESCRIPTORS;
    assert_int_equal(count_of("<th scope='row'>"), rows + 2);
    assert_non_null(strstr(page, leat__plan_human(sum, plan.ours)));
    assert_non_null(strstr(page, leat__plan_human(sum, plan.kernel)));
    assert_non_null(strstr(page, "12,345"));
}

static void names_of_pools_are_escaped(void **state)
{
    (void)state;
    assert_null(strstr(page, "<script"));
    assert_non_null(strstr(page, "&#60;script&#62;&#34;&#38;&#39;"));
}

static void nothing_is_asked_for_from_outside(void **state)
{
    (void)state;
    assert_null(strstr(page, "src="));
    assert_null(strstr(page, "@import"));
    assert_null(strstr(page, "href='http"));
    assert_int_equal(count_of("href="), 1); /* the icon, which is data: */
    assert_non_null(strstr(page, "href='data:"));
}

static void what_opens_closes(void **state)
{
    (void)state;
    static const char *const tags[] = {"table", "tbody", "tr",    "svg",  "main", "dl",
                                       "dd",    "pre",   "code",  "div",  "ul",   "li",
                                       "g",     "small", "style", "head", "body", "html"};
    char open_tag[16], open_tag_with[16], close_tag[16];
    for (size_t i = 0; i < COUNT_OF(tags); i++) {
        snprintf(open_tag, sizeof open_tag, "<%s>", tags[i]);
        snprintf(open_tag_with, sizeof open_tag_with, "<%s ", tags[i]);
        snprintf(close_tag, sizeof close_tag, "</%s>", tags[i]);
        assert_true(count_of(close_tag) > 0);
        assert_int_equal(count_of(open_tag) + count_of(open_tag_with), count_of(close_tag));
    }
}

static void filling_again_starts_afresh(void **state)
{
    (void)state;
    size_t first, second;
    struct plan plan = make_plan("<script>\"&'");
    leat__welcome_page(welcome, &first);
    leat__welcome_fill(welcome, &plan);
    page = leat__welcome_page(welcome, &second);
    assert_int_equal(first, second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_of_the_plan_is_shown),
        cmocka_unit_test(names_of_pools_are_escaped),
        cmocka_unit_test(nothing_is_asked_for_from_outside),
        cmocka_unit_test(what_opens_closes),
        cmocka_unit_test(filling_again_starts_afresh),
    };
    return cmocka_run_group_tests(tests, fill, empty);
}
