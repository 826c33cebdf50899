/* test_server.c: servers within a program: leat_server_create, start, stop, beside each other, on both loops. */
#include "leat/leat.h"
#include "server/server.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *const loops[] = {"epoll", "uring"};
static const char *const any_port[] = {"127.0.0.1:0", NULL};

static void name(leat_exchange *x)
{
    leat_text(x, 200, "%s", (const char *)leat_data(x));
}

static leat_server_options small(const char *loop)
{
    return (leat_server_options){.listen = any_port,
                                 .loop = loop,
                                 .shards = 2,
                                 .connections = 100,
                                 .exchanges = 32,
                                 .content_total = 4 << 20};
}

static int connect_to(const leat_server *server)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)leat_server_port(server, 0)),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

/* The whole answer to one request that asks for the end of the connection. */
static void ask(const leat_server *server, const char *path, char *answer, size_t size)
{
    char request[256];
    int fd = connect_to(server);
    int n = snprintf(request, sizeof request,
                     "GET %s HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n", path);
    assert_int_equal(send(fd, request, (size_t)n, 0), n);
    size_t at = 0;
    ssize_t got;
    while (at < size - 1 && (got = recv(fd, answer + at, size - 1 - at, 0)) > 0)
        at += (size_t)got;
    answer[at] = '\0';
    close(fd);
}

static void two_servers_live_in_one_process(void **state)
{
    (void)state;
    leat_app *apps[2];
    leat_server *servers[2];
    static char names[2][8] = {"first", "second"};
    for (unsigned i = 0; i < 2; i++) {
        leat_server_options options = small(loops[i]);
        apps[i] = leat_app_create();
        leat_get_with(apps[i], "/", name, names[i]);
        servers[i] = leat_server_create(apps[i], &options);
        assert_string_equal(leat_server_error(servers[i]), "");
        assert_int_equal(leat_server_start(servers[i]), 0);
        assert_true(leat_server_port(servers[i], 0) > 0);
    }
    char answer[512];
    for (unsigned round = 0; round < 20; round++) {
        ask(servers[round % 2], "/", answer, sizeof answer);
        assert_non_null(strstr(answer, "HTTP/1.1 200 OK\r\n"));
        assert_non_null(strstr(answer, names[round % 2]));
    }
    leat_server_stop(servers[0]);
    ask(servers[1], "/", answer, sizeof answer);
    assert_non_null(strstr(answer, "second"));
    for (unsigned i = 0; i < 2; i++) {
        leat_server_destroy(servers[i]);
        leat_app_destroy(apps[i]);
    }
}

static void a_server_can_be_started_after_another_was_stopped(void **state)
{
    (void)state;
    leat_app *app = leat_app_create();
    leat_get_with(app, "/", name, (char[]){"again"});
    for (unsigned round = 0; round < 4; round++) {
        leat_server_options options = small(loops[round % 2]);
        leat_server *server = leat_server_create(app, &options);
        assert_int_equal(leat_server_start(server), 0);
        char answer[512];
        ask(server, "/", answer, sizeof answer);
        assert_non_null(strstr(answer, "again"));
        leat_server_destroy(server);
    }
    leat_app_destroy(app);
}

static void errors_of_registration_are_told_by_start(void **state)
{
    (void)state;
    leat_app *app = leat_app_create();
    leat_get(app, "/a/:x", name);
    leat_get(app, "/a/:y", name);
    leat_route(app, "BREW", "/", name);
    leat_group(app, "no-slash");
    leat_server *server = leat_server_create(app, NULL);
    assert_true(leat_server_start(server) < 0);
    const char *error = leat_server_error(server);
    assert_non_null(strstr(error, "/a/:x"));
    assert_non_null(strstr(error, "/a/:y"));
    assert_non_null(strstr(error, "BREW"));
    assert_non_null(strstr(error, "no-slash"));
    leat_server_destroy(server);
    leat_app_destroy(app);
}

static void an_address_in_use_is_named(void **state)
{
    (void)state;
    char taken[32];
    const char *const listen[] = {taken, NULL};
    leat_app *app = leat_app_create();
    leat_server_options options = small("epoll");
    leat_server *server = leat_server_create(app, &options);
    assert_int_equal(leat_server_start(server), 0);
    snprintf(taken, sizeof taken, "127.0.0.1:%d", leat_server_port(server, 0));
    options.listen = listen;
    leat_server *late = leat_server_create(app, &options);
    assert_true(leat_server_start(late) < 0);
    assert_non_null(strstr(leat_server_error(late), taken));
    assert_int_equal(leat__server_exit_status(late), 69);
    leat_server_destroy(late);
    leat_server_destroy(server);
    leat_app_destroy(app);
}

static leat_pool *tickets;
static void *kept[64];
static unsigned kept_count;
static pthread_mutex_t kept_lock = PTHREAD_MUTEX_INITIALIZER;

static void take(leat_exchange *x)
{
    void *ticket = leat_pool_acquire(tickets);
    if (ticket == NULL) {
        leat_problem(x, 503, "No ticket is left");
        return;
    }
    pthread_mutex_lock(&kept_lock);
    kept[kept_count++] = ticket;
    pthread_mutex_unlock(&kept_lock);
    leat_text(x, 200, "ticket\n");
}

/* On the test's own thread: none of the shards'. */
static void return_all(void)
{
    pthread_mutex_lock(&kept_lock);
    while (kept_count > 0)
        leat_pool_release(tickets, kept[--kept_count]);
    pthread_mutex_unlock(&kept_lock);
}

static void a_pool_of_the_program_is_bounded_and_takes_objects_back_from_any_thread(void **state)
{
    (void)state;
    char answer[512];
    leat_app *app = leat_app_create();
    tickets = leat_pool_create(app, "ticket", 40, 8);
    leat_get(app, "/", take);
    leat_server_options options = small("epoll");
    options.shards = 1;
    leat_server *server = leat_server_create(app, &options);
    assert_int_equal(leat_server_start(server), 0);
    assert_null(leat_pool_acquire(tickets)); /* not here: this is no shard's thread */
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 8; i++) {
            ask(server, "/", answer, sizeof answer);
            assert_non_null(strstr(answer, "200 OK"));
        }
        ask(server, "/", answer, sizeof answer);
        assert_non_null(strstr(answer, "503 Service Unavailable"));
        assert_non_null(strstr(answer, "Retry-After"));
        return_all();
    }
    leat_server_destroy(server);
    leat_app_destroy(app);
}

static void what_was_asked_before_the_stop_is_answered(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        leat_app *app = leat_app_create();
        leat_get_with(app, "/", name, (char[]){"late"});
        leat_server_options options = small(loops[i]);
        leat_server *server = leat_server_create(app, &options);
        assert_int_equal(leat_server_start(server), 0);
        int fd = connect_to(server);
        static const char half[] = "GET / HTTP/1.1\r\nHost: h";
        static const char rest[] = "ere\r\n\r\n";
        assert_int_equal(send(fd, half, sizeof half - 1, 0), sizeof half - 1);
        usleep(50000); /* the server has the half: if not, the request comes whole and is answered all the same */
        leat__server_drain(server);
        assert_int_equal(send(fd, rest, sizeof rest - 1, 0), sizeof rest - 1);
        char answer[512] = "";
        size_t at = 0;
        ssize_t got;
        while ((got = recv(fd, answer + at, sizeof answer - 1 - at, 0)) > 0)
            at += (size_t)got;
        assert_non_null(strstr(answer, "200 OK"));
        assert_non_null(strstr(answer, "Connection: close"));
        close(fd);
        leat_server_destroy(server);
        leat_app_destroy(app);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_servers_live_in_one_process),
        cmocka_unit_test(a_server_can_be_started_after_another_was_stopped),
        cmocka_unit_test(errors_of_registration_are_told_by_start),
        cmocka_unit_test(an_address_in_use_is_named),
        cmocka_unit_test(a_pool_of_the_program_is_bounded_and_takes_objects_back_from_any_thread),
        cmocka_unit_test(what_was_asked_before_the_stop_is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
