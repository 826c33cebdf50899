/* Request files: what they say, and what is wrong with them by file and line. */
#include "load/request.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static char error[LOAD_ERROR_SIZE];

static bool parse(struct load_options *o, const char *text)
{
    return leat__load_mix_parse(o->wording, text, strlen(text), "visitors.mix", error, sizeof error);
}

static void begin(struct load_options *o)
{
    leat__load_options_init(o);
    assert_int_equal(leat__load_options_url(o, "http://127.0.0.1:8080", error, sizeof error), 0);
}

static void a_mix_of_everything(void **state)
{
    (void)state;
    struct load_options o;
    begin(&o);
    assert_int_equal(leat__load_options_flag(&o, "--header", "X: y", error, sizeof error), 1);
    assert_true(parse(&o,
                      "# what visitors do\n\nGET /\n    weight 60\n\n"
                      "GET   /style.css  \n\tAccept-Encoding: br\n\tstatus 304\n"
                      "POST /login\r\n  weight 10\r\n  name sign in\r\n  # a comment\r\n"
                      "  Content-Type: text/plain\r\n  content-text a b \r\n  expect-text well\r\n"
                      "HEAD /x"));
    assert_int_equal(leat__load_compose(&o, error, sizeof error), 0);
    assert_int_equal(o.request_count, 4);
    assert_string_equal(o.requests[0].octets,
                        "GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nX: y\r\n\r\n");
    assert_int_equal(o.requests[0].weight, 60);
    assert_int_equal(o.requests[1].weight, 1);
    assert_int_equal(o.requests[1].status, 304);
    assert_string_equal(
        o.requests[1].octets,
        "GET /style.css HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nAccept-Encoding: br\r\nX: y\r\n\r\n");
    assert_string_equal(o.requests[2].name, "sign in");
    assert_string_equal(
        o.requests[2].octets,
        "POST /login HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nContent-Type: text/plain\r\n"
        "X: y\r\nContent-Length: 3\r\n\r\na b");
    assert_string_equal(o.requests[2].expected, "well");
    assert_true(o.requests[3].no_content);
    leat__load_options_free(&o);
}

static void files_lie_beside_it(void **state)
{
    (void)state;
    struct load_options o;
    char folder[] = "/tmp/leat-mix-XXXXXX", path[64], content[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/a.mix", folder);
    snprintf(content, sizeof content, "%s/question", folder);
    FILE *mix = fopen(path, "w"), *question = fopen(content, "w");
    fputs("PUT /a\n  content question\nPUT /b\n  content nowhere\n", mix);
    fputs("who?", question);
    fclose(mix);
    fclose(question);
    begin(&o);
    assert_int_equal(leat__load_options_flag(&o, "--mix", path, error, sizeof error), 1);
    assert_int_equal(leat__load_options_check(&o, error, sizeof error), 78);
    assert_non_null(strstr(error, "nowhere: No such file"));
    assert_int_equal(o.request_count, 1);
    assert_non_null(strstr(o.requests[0].octets, "Content-Length: 4\r\n\r\nwho?"));
    unlink(path);
    unlink(content);
    rmdir(folder);
    leat__load_options_free(&o);
}

static void mistakes_name_their_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"", "visitors.mix: no request is in it"},
        {"# nothing\n", "no request is in it"},
        {"  weight 5\n", "visitors.mix:1: an indented line"},
        {"GET\n", "visitors.mix:1: GET : a request is METHOD TARGET"},
        {"\nGET a\n", "visitors.mix:2: GET a: a target begins with /"},
        {"GET /a b\n", "%20"},
        {"GET /\n  weight 0\n", "visitors.mix:2: weight 0: give a whole number from 1 to 1000000"},
        {"GET /\n  weight\n", "give a whole number"},
        {"GET /\n  wieght 5\n", "did you mean weight?"},
        {"GET /\n  colour blue\n", "no such word; a field is written"},
        {"GET /\n  status 1000\n", "100 to 599"},
        {"GET /\n  Content-Length: 5\n", "itself"},
        {"GET /\n  name\n", "name: give one"},
        {"GET /\n  content\n", "give a file"},
        {"GET /\n  content a\n  content-text b\n",
         "visitors.mix:3: content-text: it has been given already"},
        {"GET /\n  : b\n", "Name: value"},
        {"G{T /\n", "a word"},
    };
    for (unsigned i = 0; i < COUNT_OF(rows); i++) {
        struct load_options o;
        begin(&o);
        assert_false(parse(&o, rows[i].text));
        if (strstr(error, rows[i].says) == NULL || strchr(error, '\n') != NULL)
            fail_msg("row %u: %s", i, error);
        leat__load_options_free(&o);
    }
}

static void too_many_and_no_text(void **state)
{
    (void)state;
    struct load_options o;
    char text[LOAD_REQUESTS_MAX * 8 + 16] = "";
    begin(&o);
    for (int i = 0; i <= LOAD_REQUESTS_MAX; i++)
        strcat(text, "GET /\n");
    assert_false(parse(&o, text));
    assert_non_null(strstr(error, "visitors.mix:65: more than 64 requests"));
    assert_false(leat__load_mix_parse(o.wording, "GET /\n\0\n", 8, "visitors.mix", error, sizeof error));
    assert_non_null(strstr(error, "visitors.mix:2: that is no text"));
    leat__load_options_free(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mix_of_everything),
        cmocka_unit_test(files_lie_beside_it),
        cmocka_unit_test(mistakes_name_their_line),
        cmocka_unit_test(too_many_and_no_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
