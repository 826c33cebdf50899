/* json.c: JSON in and out, for the end-to-end tests: what each route does is said by its name. */
#include <leat/json_value.h>
#include <leat/leat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What came, written again. */
static void echo(leat_exchange *x)
{
    const json_t *value = leat_content_json(x);
    if (value == NULL)
        return;
    leat_json *j = leat_json_begin_array(x, 200);
    leat_json_value(j, NULL, value);
}

/* Whatever is JSON by RFC 8259, names that are twice there too. */
static void accept_all(leat_exchange *x)
{
    const json_t *value = leat_content_json_with(
        x, &(leat_json_options){.duplicates = true, .any_media_type = true});
    if (value != NULL)
        leat_text(x, 200, "%s\n", json_is_object(value) ? "object" : "value");
}

static void accept_flat(leat_exchange *x)
{
    if (leat_content_json_with(x, &(leat_json_options){.depth_max = 2}) != NULL)
        leat_text(x, 200, "flat\n");
}

static void stream(leat_exchange *x)
{
    const json_t *value = leat_content_json(x);
    if (value == NULL || leat_begin(x, 200, "application/json") < 0)
        return;
    leat_json_value(leat_json_stream_array(x), NULL, value);
}

static void look(leat_exchange *x)
{
    const json_t *value = leat_content_json(x);
    if (value == NULL)
        return;
    leat_json *j = leat_json_begin(x, 200);
    leat_json_string(j, "string", leat_json_get_string(value, "string", "otherwise"));
    leat_json_int(j, "int", leat_json_get_int(value, "int", -1));
    leat_json_double(j, "double", leat_json_get_double(value, "double", -1));
    leat_json_bool(j, "bool", leat_json_get_bool(value, "bool", true));
    leat_json_uint(j, "array", json_array_size(leat_json_get_array(value, "array")));
    leat_json_uint(j, "object", json_object_size(leat_json_get_object(value, "object")));
    leat_json_value(j, "path", leat_json_path(value, leat_query(x, "path")));
}

static void lines(leat_exchange *x)
{
    int64_t n = leat_query_int(x, "n", 10), ms = leat_query_int(x, "ms", 0);
    leat_begin(x, 200, "application/x-ndjson");
    for (int64_t i = 0; i < n; i++) {
        leat_json *j = leat_json_stream(x);
        leat_json_int(j, "line", i);
        leat_json_string(j, "text", "\"quoted\"");
        leat_json_end(j);
        if (leat_json_error(j) < 0)
            return;
        if (ms > 0)
            leat_sleep_ms((uint64_t)ms);
    }
}

/* The outermost ends with the handler, just where the output is full. */
static void fill(leat_exchange *x)
{
    char text[100];
    int64_t n = leat_query_int(x, "n", 0);
    memset(text, 'x', sizeof text);
    leat_begin(x, 200, "application/json");
    leat_json *j = leat_json_stream(x);
    for (int64_t i = 0; i < n; i += 100)
        leat_json_stringn(j, "s", text, (size_t)(n - i < 100 ? n - i : 100));
}

/* A filter that marks the end of what passes it. */
static int filter_begin(leat_exchange *x, void *state)
{
    (void)x;
    (void)state;
    return 0;
}

static int filter_write(leat_exchange *x, void *state, const void *bytes, size_t size)
{
    (void)state;
    return leat_filter_put(x, bytes, size);
}

static int filter_end(leat_exchange *x, void *state)
{
    (void)state;
    return leat_filter_put(x, "end\n", 4);
}

static void filtered(leat_exchange *x)
{
    static const leat_filter filter = {.begin = filter_begin, .write = filter_write, .end = filter_end};
    leat_filter_set(x, &filter, NULL);
    leat_begin(x, 200, "application/json");
    leat_json_int(leat_json_stream(x), "a", 1);
}

static void broken_stream(leat_exchange *x)
{
    leat_begin(x, 200, "application/json");
    leat_json_int(leat_json_stream(x), NULL, 1);
}

/* The program's own values, made and given back by its own malloc while others parse. */
static void own(leat_exchange *x)
{
    json_t *mine = json_pack("{s:i, s:[s]}", "one", 1, "list", "text");
    const json_t *value = leat_content_json(x);
    json_t *copy = value != NULL ? json_deep_copy(value) : NULL;
    char *text = json_dumps(mine, JSON_COMPACT);
    if (copy != NULL)
        leat_text(x, 200, "%s %d\n", text, json_equal(copy, (json_t *)(uintptr_t)value));
    free(text);
    json_decref(copy);
    json_decref(mine);
}

int main(int argc, char **argv)
{
    leat_app *app = leat_app_create();
    json_t *before = json_string("made before");
    if (argc > 1 && strcmp(argv[1], "--unused") == 0) {
        argv[1] = argv[0];
        argc--;
        argv++;
    } else {
        leat_json_use();
        leat_json_use();
    }
    json_decref(before);
    leat_post(app, "/echo", echo);
    leat_post(app, "/all", accept_all);
    leat_post(app, "/flat", accept_flat);
    leat_post(app, "/stream", stream);
    leat_post(app, "/look", look);
    leat_get(app, "/lines", lines);
    leat_get(app, "/fill", fill);
    leat_get(app, "/filtered", filtered);
    leat_get(app, "/broken", broken_stream);
    leat_post(app, "/own", own);
    return leat_main(app, argc, argv);
}
