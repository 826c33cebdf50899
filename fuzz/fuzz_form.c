/* fuzz_form.c: any octets as a form. Asked by number or by name it says the same, what it says was in it, and asking again
 * changes nothing; else it is 400 or 413, and empty. */
#include "stage.h"

#include <errno.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compare_by_name(leat_exchange *x, size_t i, const char *name, const char *value)
{
    const char *other_name, *other_value;
    size_t before = 0;
    for (size_t j = 0; j < i; j++) {
        must(leat_form_at(x, j, &other_name, &other_value));
        before += strcmp(name, other_name) == 0;
    }
    const char *found = leat_form_nth(x, name, before);
    if (strlen(name) <= 300) /* longer ones are found where they are sent as they are */
        must(found != NULL && strcmp(found, value) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char head[] =
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n";
    const char *name, *value;
    must(stage_begin(head, sizeof head - 1));
    leat_exchange *x = &stage->x;
    x->content = (const char *)data;
    x->content_size = size;
    x->way.content = CONTENT_WHOLE;
    int error = leat_form_check(x);
    must(leat_form_check(x) == error);
    if (error < 0) {
        must(x->way.refused_status == (error == -E2BIG ? 413 : 400));
        must(!leat_form_at(x, 0, &name, &value) && leat_form(x, "a") == NULL);
        return 0;
    }
    must(x->way.refused_status == 0);
    size_t count = 0, octets = 0;
    for (; leat_form_at(x, count, &name, &value) && count < 40; count++) {
        octets += strlen(name) + strlen(value) + 1;
        compare_by_name(x, count, name, value);
    }
    must(octets <= size + 1 && x->arena.overflow == ARENA_FINE);
    leat_form_int(x, "a", 0);
    return 0;
}
