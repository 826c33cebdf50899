/* test_states.c: what a program keeps for each shard: opened in order by tasks that may wait, closed the other way round, and
 * when one can't be opened the server does not start, and those before it are closed again. */
#include "leat/leat.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

enum { SHARDS = 2, LOG = 64 };

static const char *const loops[] = {"epoll", "uring"};
static const char *const any_port[] = {"127.0.0.1:0", NULL};

/* What each thread did, in its order. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    pthread_t thread;
    char done[LOG];
} shards[SHARDS];
static unsigned shard_count;
static atomic_uint children, ticks;

static void note(char what)
{
    unsigned i = 0;
    pthread_mutex_lock(&lock);
    while (i < shard_count && !pthread_equal(shards[i].thread, pthread_self()))
        i++;
    if (i == shard_count) {
        assert_true(shard_count < SHARDS);
        shards[shard_count++].thread = pthread_self();
    }
    size_t at = strlen(shards[i].done);
    shards[i].done[at] = what;
    shards[i].done[at + 1] = '\0';
    pthread_mutex_unlock(&lock);
}

static void child(void *argument)
{
    (void)argument;
    atomic_fetch_add(&children, 1);
    while (leat_sleep_ms(60000) == 0) {
    }
    atomic_fetch_sub(&children, 1);
}

static void *open_state(void *argument)
{
    assert_int_equal(leat_sleep_ms(5), 0);
    assert_int_not_equal(leat_spawn(child, NULL), 0);
    note(*(char *)argument);
    return argument;
}

static void *open_nothing(void *argument)
{
    leat_sleep_ms(5);
    note(*(char *)argument);
    return NULL;
}

static void close_state(void *state)
{
    int result = leat_sleep_ms(5);
    note((char)(*(char *)state - 'a' + 'A'));
    assert_int_equal(result, 0);
}

static void tick(void *argument)
{
    (void)argument;
    atomic_fetch_add(&ticks, 1);
}

static leat_server *create(leat_app *app, const char *loop)
{
    leat_server_options options = {.listen = any_port,
                                   .loop = loop,
                                   .shards = SHARDS,
                                   .connections = 100,
                                   .exchanges = 32,
                                   .content_total = 4 << 20};
    memset(shards, 0, sizeof shards);
    shard_count = 0;
    atomic_store(&ticks, 0);
    return leat_server_create(app, &options);
}

static char a[] = "a", b[] = "b", c[] = "c";

static void test_states_are_opened_and_closed_in_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        leat_app *app = leat_app_create();
        leat_on_shard(app, open_state, close_state, a);
        leat_on_shard(leat_group(app, "/b"), open_state, close_state, b);
        leat_on_shard(leat_group(app, "/c"), open_state, NULL, c);
        leat_every_ms(app, 1, tick, NULL);
        leat_server *server = create(app, loops[i]);
        assert_int_equal(leat_server_start(server), 0);
        while (atomic_load(&ticks) < 5) {
        }
        assert_int_equal(atomic_load(&children), 3 * SHARDS);
        leat_server_stop(server);
        assert_int_equal(shard_count, SHARDS);
        for (size_t k = 0; k < SHARDS; k++)
            assert_string_equal(shards[k].done, "abcBA");
        assert_int_equal(atomic_load(&children), 0); /* they were canceled, and came to their end */
        leat_server_destroy(server);
        leat_app_destroy(app);
    }
}

static void test_a_state_that_can_not_be_opened(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        leat_app *app = leat_app_create();
        leat_on_shard(app, open_state, close_state, a);
        leat_on_shard(leat_group(app, "/b"), open_nothing, close_state, b);
        leat_on_shard(leat_group(app, "/c"), open_state, close_state, c);
        leat_every_ms(app, 1, tick, NULL);
        leat_server *server = create(app, loops[i]);
        assert_true(leat_server_start(server) < 0);
        assert_string_not_equal(leat_server_error(server), "");
        assert_true(shard_count > 0);
        for (size_t k = 0; k < shard_count; k++)
            assert_string_equal(shards[k].done, "abA");
        assert_int_equal(atomic_load(&ticks), 0);
        assert_int_equal(atomic_load(&children), 0);
        leat_server_destroy(server);
        leat_app_destroy(app);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_states_are_opened_and_closed_in_order),
        cmocka_unit_test(test_a_state_that_can_not_be_opened),
    };
    return cmocka_run_group_tests_name("server.states", tests, NULL, NULL);
}
