/* logs.c: a program that has something to say: from handlers, tasks, threads, before the start and after the stop. */
#include <leat/leat.h>
#include <errno.h>
#include <unistd.h>

static leat_blocking *threads;

static void say(leat_exchange *x)
{
    const char *text = leat_query(x, "text");
    leat_log_x(x, LEAT_LOG_WARNING, "%s", text != NULL ? text : "");
    leat_log_with(x, LEAT_LOG_INFO, "fields", leat_log_text("text", text), leat_log_int("number", -5));
    leat_text(x, 200, "said\n");
}

static void many(leat_exchange *x)
{
    int count = (int)leat_query_int(x, "count", 1);
    for (int i = 0; i < count; i++)
        leat_log(LEAT_LOG_INFO, "line %d of many", i);
    leat_text(x, 200, "many\n");
}

static void fail(leat_exchange *x)
{
    leat_fail(x, -EIO);
}

static void slow(leat_exchange *x)
{
    usleep(300000);
    leat_text(x, 200, "slow\n");
}

/* Keeps the loop up behind a wait. */
static void later(leat_exchange *x)
{
    leat_sleep_ms(20);
    usleep(300000);
    leat_text(x, 200, "slow\n");
}

static void waits(leat_exchange *x)
{
    leat_sleep_ms(300);
    leat_text(x, 200, "waited\n");
}

static void on_thread(void *argument)
{
    (void)argument;
    leat_log(LEAT_LOG_NOTICE, "from a thread");
}

static void blocking(leat_exchange *x)
{
    leat_blocking_call(threads, on_thread, NULL);
    leat_text(x, 200, "called\n");
}

static void name(leat_exchange *x)
{
    leat_set_principal(x, "ann");
    leat_next(x);
}

int main(int argc, char **argv)
{
    leat_log(LEAT_LOG_NOTICE, "before the start");
    leat_app *app = leat_app_create();
    threads = leat_blocking_create(app, "thread", NULL);
    leat_use(app, leat_request_ids);
    leat_use(app, name);
    leat_get(app, "/say", say);
    leat_get(app, "/many", many);
    leat_get(app, "/fail/:id", fail);
    leat_get(app, "/slow", slow);
    leat_get(app, "/later/:id", later);
    leat_get(app, "/waits", waits);
    leat_get(app, "/blocking", blocking);
    int status = leat_main(app, argc, argv);
    leat_log(LEAT_LOG_NOTICE, "after the stop");
    return status;
}
