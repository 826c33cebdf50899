/* main_signals.c: waiting for signals. They are blocked in every thread and taken by the main one when it asks, so
 * nothing of ours runs inside a signal handler. */
#define _GNU_SOURCE
#include "server/main_signals.h"

#include "base/clock.h"
#include "server/main_print.h"
#include "server/notify.h"
#include "server/server.h"
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Processes whose parent died are given to process 1, and stay as zombies until it asks how they ended. */
static void take_in_orphans(void)
{
    while (waitpid(-1, NULL, WNOHANG) > 0) {
    }
}

void leat__signals_block(sigset_t *signals)
{
    sigemptyset(signals);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGINT);
    sigaddset(signals, SIGHUP);
    if (getpid() == 1)
        sigaddset(signals, SIGCHLD);
    pthread_sigmask(SIG_BLOCK, signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    if (getpid() == 1)
        take_in_orphans(); /* of before */
}

const char *leat__signals_name(int number)
{
    return number == SIGTERM ? "SIGTERM" : number == SIGINT ? "SIGINT" : "SIGHUP";
}

/* One signal, SIGCHLD aside; 0: timeout_ms went by, or something else did. */
static int take_signal(const sigset_t *signals, int64_t timeout_ms)
{
    struct timespec wait = {timeout_ms / 1000, timeout_ms % 1000 * 1000000};
    int number = timeout_ms < 0 ? sigwaitinfo(signals, NULL) : sigtimedwait(signals, NULL, &wait);
    if (number != SIGCHLD)
        return number < 0 ? 0 : number;
    take_in_orphans();
    return 0;
}

/* What is sooner of two times to wait; -1: never. */
static int64_t sooner_ms(int64_t a, int64_t b)
{
    return a < 0 ? b : b < 0 || a < b ? a : b;
}

int leat__signals_wait(const sigset_t *signals, leat_server *server, int64_t timeout_ms)
{
    int64_t watchdog_ms = leat__notify_watchdog_ms();
    int64_t start_ms = leat__clock_now_ms(), last_ms = start_ms;
    for (;;) {
        int64_t now_ms = leat__clock_now_ms();
        if (timeout_ms >= 0 && now_ms - start_ms >= timeout_ms)
            return 0;
        if (watchdog_ms >= 0 && now_ms - last_ms >= watchdog_ms) {
            if (leat__server_alive(server))
                leat__notify("WATCHDOG=1");
            last_ms = now_ms;
        }
        int64_t left_ms = timeout_ms < 0 ? -1 : timeout_ms - (now_ms - start_ms);
        int64_t sign_ms = watchdog_ms < 0 ? -1 : watchdog_ms - (now_ms - last_ms);
        int number = take_signal(signals, sooner_ms(left_ms, sign_ms));
        if (number > 0)
            return number;
    }
}

void leat__signals_delay(const sigset_t *signals, leat_server *server, const char *name, int64_t delay_ms)
{
    int64_t start_ms = leat__clock_now_ms(), left_ms = delay_ms;
    int number = SIGHUP;
    leat__server_leave(server);
    while (number == SIGHUP && (delay_ms < 0 || left_ms > 0)) { /* for reading anew it is too late */
        number = leat__signals_wait(signals, server, left_ms);
        left_ms = delay_ms < 0 ? -1 : delay_ms - (leat__clock_now_ms() - start_ms);
    }
    if (number == SIGTERM || number == SIGINT)
        leat__main_say(STDOUT_FILENO, name, "a second signal: no more waiting");
}

void leat__signals_drain(const sigset_t *signals, leat_server *server, const char *name, int64_t timeout_ms)
{
    enum { LOOK_MS = 20 };
    int64_t start_ms = leat__clock_now_ms(), told_ms = start_ms;
    int64_t watchdog_ms = leat__notify_watchdog_ms();
    bool stopping = false;
    leat__server_drain(server);
    while (!leat__server_ended(server)) {
        int number = take_signal(signals, LOOK_MS);
        /* a drain has a deadline of its own: the watchdog must not cut it short */
        if (watchdog_ms >= 0 && leat__clock_now_ms() - told_ms >= watchdog_ms) {
            leat__notify("WATCHDOG=1");
            told_ms = leat__clock_now_ms();
        }
        bool again = number == SIGTERM || number == SIGINT;
        bool late = timeout_ms >= 0 && leat__clock_now_ms() - start_ms >= timeout_ms;
        if (stopping || (!again && !late))
            continue;
        leat__main_say(STDOUT_FILENO, name, "%s: stopping at once",
                       again ? "a second signal" : "the drain's time is up");
        leat__server_stop_now(server);
        stopping = true;
    }
}
