/* overflow.c: handlers that need more stack than there is, for the end-to-end tests. */
#include <leat/leat.h>

/* So many KiB deep; volatile, and a call each, so that no compiler knows better. */
__attribute__((noinline)) static int go_down(int64_t kib)
{
    volatile char frame[1024];
    for (size_t i = 0; i < sizeof frame; i++)
        frame[i] = (char)kib;
    return kib > 1 ? go_down(kib - 1) + frame[kib % 1024] : frame[0];
}

static void deep(leat_exchange *x)
{
    int sum = go_down(leat_param_int(x, "kib", 1));
    leat_text(x, 200, "%s\n", sum != 0 ? "deep" : "even");
}

/* Waits before, so that it is a task with a stack of its own. */
static void late(leat_exchange *x)
{
    leat_sleep_ms(1);
    deep(x);
}

static void go_down_far(void *argument)
{
    (void)argument;
    go_down(1000);
}

static void own(leat_exchange *x)
{
    leat_spawn(go_down_far, NULL);
    leat_sleep_ms(60000);
    leat_status(x, 204);
}

/* Calls what is Leat's with almost nothing left. */
__attribute__((noinline)) static void answer_down(leat_exchange *x, int64_t kib)
{
    volatile char frame[1024];
    for (size_t i = 0; i < sizeof frame; i++)
        frame[i] = (char)kib;
    if (kib > 1)
        answer_down(x, kib - 1);
    else
        leat_text(x, 200, "%s\n", "so far down");
    frame[0] = 0;
}

static void answer(leat_exchange *x)
{
    answer_down(x, leat_param_int(x, "kib", 1));
}

static void wild(leat_exchange *x)
{
    *(volatile char *)(uintptr_t)leat_query_int(x, "at", 16) = 1;
}

int main(int argc, char **argv)
{
    leat_app *app = leat_app_create();
    leat_get(app, "/deep/:kib", deep);
    leat_get(leat_group(app, "/group"), "/late/:kib", late);
    leat_get(app, "/answer/:kib", answer);
    leat_get(app, "/own", own);
    leat_get(app, "/wild", wild);
    return leat_main(app, argc, argv);
}
