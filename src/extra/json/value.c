/* value.c: looking into values, with an answer for when they are not what was expected, and writing them. */
#include <leat/json_value.h>
#include <errno.h>
#include <string.h>

enum { NAME_MAX_OCTETS = 256, DEPTH_MAX = 64 };

/* Jansson's iterators want to be able to change what they go through. */
static json_t *changeable(const json_t *value)
{
    return (json_t *)(uintptr_t)value;
}

/* ── Looking ── */

const json_t *leat_json_get(const json_t *value, const char *name)
{
    return json_object_get(value, name);
}

const char *leat_json_get_string(const json_t *value, const char *name, const char *otherwise)
{
    leat_slice text = leat_json_get_slice(value, name);
    return text.data != NULL && strlen(text.data) == text.size ? text.data : otherwise;
}

leat_slice leat_json_get_slice(const json_t *value, const char *name)
{
    const json_t *found = json_object_get(value, name);
    return (leat_slice){json_string_value(found), json_string_length(found)};
}

int64_t leat_json_get_int(const json_t *value, const char *name, int64_t otherwise)
{
    const json_t *found = json_object_get(value, name);
    return json_is_integer(found) ? json_integer_value(found) : otherwise;
}

double leat_json_get_double(const json_t *value, const char *name, double otherwise)
{
    const json_t *found = json_object_get(value, name);
    return json_is_number(found) ? json_number_value(found) : otherwise;
}

bool leat_json_get_bool(const json_t *value, const char *name, bool otherwise)
{
    const json_t *found = json_object_get(value, name);
    return json_is_boolean(found) ? json_is_true(found) : otherwise;
}

const json_t *leat_json_get_array(const json_t *value, const char *name)
{
    const json_t *found = json_object_get(value, name);
    return json_is_array(found) ? found : NULL;
}

const json_t *leat_json_get_object(const json_t *value, const char *name)
{
    const json_t *found = json_object_get(value, name);
    return json_is_object(found) ? found : NULL;
}

/* One step of a pointer into an array: digits without a leading zero (RFC 6901 4). */
static const json_t *element(const json_t *array, const char *token, size_t size)
{
    size_t index = 0;
    if (size == 0 || size > 9 || (size > 1 && token[0] == '0'))
        return NULL;
    for (size_t i = 0; i < size; i++) {
        if (token[i] < '0' || token[i] > '9')
            return NULL;
        index = index * 10 + (size_t)(token[i] - '0');
    }
    return json_array_get(array, index);
}

/* … into an object: "~1" is '/', "~0" is '~'. */
static const json_t *member(const json_t *object, const char *token, size_t size)
{
    char name[NAME_MAX_OCTETS];
    size_t n = 0;
    if (size >= sizeof name)
        return NULL;
    for (size_t i = 0; i < size; i++) {
        if (token[i] != '~') {
            name[n++] = token[i];
            continue;
        }
        if (i + 1 == size || (token[i + 1] != '0' && token[i + 1] != '1'))
            return NULL;
        name[n++] = token[++i] == '0' ? '~' : '/';
    }
    return json_object_getn(object, name, n);
}

const json_t *leat_json_path(const json_t *value, const char *pointer)
{
    while (value != NULL && *pointer != '\0') {
        if (*pointer++ != '/')
            return NULL;
        size_t size = strcspn(pointer, "/");
        if (json_is_array(value))
            value = element(value, pointer, size);
        else
            value = member(value, pointer, size);
        pointer += size;
    }
    return value;
}

/* ── Writing ── */

/* A value that has none inside. */
static void write_scalar(leat_json *j, const char *name, const json_t *value)
{
    if (json_is_string(value))
        leat_json_stringn(j, name, json_string_value(value), json_string_length(value));
    else if (json_is_integer(value))
        leat_json_int(j, name, json_integer_value(value));
    else if (json_is_real(value))
        leat_json_double(j, name, json_real_value(value));
    else if (json_is_boolean(value))
        leat_json_bool(j, name, json_is_true(value));
    else
        leat_json_null(j, name);
}

/* An object or array that is being written, and what comes next of it. */
struct level {
    json_t *value;
    void *next_member;
    size_t next_element;
};

static bool begin_level(struct level *level, leat_json *j, const char *name, const json_t *value)
{
    *level = (struct level){.value = changeable(value)};
    if (json_is_object(value)) {
        level->next_member = json_object_iter(level->value);
        leat_json_object(j, name);
    } else {
        leat_json_array(j, name);
    }
    int error = leat_json_error(j);
    return error == 0 || error == -EDOM;
}

/* false: there is no more in it. */
static bool take_next(struct level *level, const char **name, const json_t **value)
{
    *name = NULL;
    if (json_is_array(level->value)) {
        *value = json_array_get(level->value, level->next_element++);
        return *value != NULL;
    }
    if (level->next_member == NULL)
        return false;
    *name = json_object_iter_key(level->next_member);
    *value = json_object_iter_value(level->next_member);
    level->next_member = json_object_iter_next(level->value, level->next_member);
    return true;
}

void leat_json_value(leat_json *j, const char *name, const json_t *value)
{
    struct level levels[DEPTH_MAX];
    unsigned depth = 0;
    for (;;) {
        if (json_is_object(value) || json_is_array(value)) {
            /* the writer refuses what is deeper than it may be itself, and that is at most as deep as this */
            if (depth == DEPTH_MAX || !begin_level(&levels[depth], j, name, value)) {
                leat_json_array(j, name);
                return;
            }
            depth++;
        } else {
            write_scalar(j, name, value);
        }
        while (depth > 0 && !take_next(&levels[depth - 1], &name, &value)) {
            leat_json_end(j);
            depth--;
        }
        if (depth == 0)
            return;
    }
}
