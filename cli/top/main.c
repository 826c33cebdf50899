/* main.c: `leat top [URL]`: options, and the order of the day: ask once a second, draw what was told, answer keys. See top.h. */
#include "top.h"
#include "base/clock.h"
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EVERY_MS = 1000, ONCE_ROWS = 60, ONCE_COLUMNS = 100 };

struct top {
    struct address address;
    struct top_fetch fetch;
    struct top_history history;
    struct top_sheet sheet;
    struct top_shown shown;
    char trouble[TOP_ERROR_SIZE];
    char token[TOP_TOKEN_MAX];
    bool is_asking;
    int64_t next_ms; /* when to ask again */
};

static volatile sig_atomic_t is_over; /* a signal said so */

static const char usage[] =
    "Usage: leat top [URL] [OPTION]...\n\n"
    "Shows once a second what a Leat server does: requests, how long they take, connections by\n"
    "state, pools against their limits, loops, routes, events, what the doctor says. URL is where\n"
    "the server's live page is, as its first lines say: http://127.0.0.1:9464 when not given,\n"
    "HOST:PORT, or unix:/path. A server that goes away is waited for.\n\n"
    "  --once               print one look as plain text and exit; it takes a second\n"
    "  --json               print what the server tells, as it is, and exit\n"
    "  --token-file FILE    the token of the server's --admin-token-file\n"
    "  --help               print this and exit\n\n"
    "Keys: q quit, p pause, 1 overview, 2 routes, 3 memory, s sort routes, h help.\n\n"
    "Exit status: 0 done, 64 wrong usage, 69 nobody answers there, 71 the system refuses, 76 who\n"
    "answers is no Leat server, 77 a token is wanted, 78 the token's file can't be read.\n";

static int complain(int status, const char *text)
{
    fprintf(stderr, "leat: top: %s\n", text);
    return status;
}

/* ── Asking ── */

static void begin_asking(struct top *t)
{
    leat__top_fetch_begin(&t->fetch);
    t->is_asking = true;
    t->next_ms = leat__clock_now_ms() + EVERY_MS;
}

/* What was told, into the history. 0, or the exit status: t->trouble says why. */
static int take_answer(struct top *t)
{
    char why[TOP_ERROR_SIZE / 2];
    json_t *frame = leat__top_frame_read(t->fetch.content, t->fetch.content_size, why, sizeof why);
    if (frame == NULL) {
        snprintf(t->trouble, sizeof t->trouble, "%s: %s", t->address.text, why);
        return TOP_NOT_LEAT;
    }
    t->trouble[0] = '\0';
    leat__top_history_add(&t->history, frame);
    return 0;
}

/* Goes on with what is under way; 0: nothing has come to an end, or well; else the exit status. */
static int go_on_asking(struct top *t)
{
    enum top_progress progress = leat__top_fetch_go_on(&t->fetch);
    if (progress == TOP_PENDING)
        return 0;
    t->is_asking = false;
    if (progress == TOP_ANSWERED)
        return take_answer(t);
    snprintf(t->trouble, sizeof t->trouble, "%s", t->fetch.error);
    return t->fetch.status;
}

/* Asks, and waits for the answer. */
static int ask(struct top *t)
{
    int status = 0;
    begin_asking(t);
    while (t->is_asking && status == 0) {
        struct pollfd one = {.fd = t->fetch.fd, .events = leat__top_fetch_events(&t->fetch)};
        if (t->fetch.fd >= 0)
            poll(&one, 1, leat__top_fetch_wait_ms(&t->fetch));
        status = go_on_asking(t);
    }
    return status;
}

/* ── Without a terminal ── */

static int end_output(void)
{
    return fflush(stdout) == 0 ? TOP_DONE : complain(TOP_SYSTEM, strerror(errno));
}

static int show_json(struct top *t)
{
    int status = ask(t);
    if (status != 0)
        return complain(status, t->trouble);
    fwrite(t->fetch.content, 1, t->fetch.content_size, stdout);
    if (t->fetch.content_size == 0 || t->fetch.content[t->fetch.content_size - 1] != '\n')
        fputc('\n', stdout);
    return end_output();
}

static void draw(struct top *t, int rows, int columns)
{
    leat__top_sheet_init(&t->sheet, rows, columns, strcmp(nl_langinfo(CODESET), "UTF-8") == 0);
    leat__top_draw(&t->sheet, &t->shown);
}

static int show_once(struct top *t)
{
    int status = ask(t);
    if (status == 0) { /* what happens in a second is seen by looking twice */
        poll(NULL, 0, EVERY_MS);
        status = ask(t);
    }
    if (status != 0)
        return complain(status, t->trouble);
    draw(t, ONCE_ROWS, ONCE_COLUMNS);
    return leat__top_sheet_print(&t->sheet, stdout) == 0 ? TOP_DONE
                                                         : complain(TOP_SYSTEM, strerror(errno));
}

/* ── On a terminal ── */

static void on_signal(int number)
{
    (void)number;
    is_over = 1;
}

/* false: it is over. */
static bool answer_key(struct top *t, int key)
{
    static enum top_view before_help = TOP_OVERVIEW;
    struct top_shown *shown = &t->shown;
    switch (key) {
    case 'q':
    case 'Q':
    case -1:
        return false;
    case 'p':
        shown->is_paused = !shown->is_paused;
        t->next_ms = leat__clock_now_ms();
        break;
    case 's':
        shown->sort = (enum top_sort)((shown->sort + 1) % TOP_SORTS);
        break;
    case '1':
    case '2':
    case '3':
        shown->view = (enum top_view)(key - '1');
        break;
    case 'h':
    case '?':
        if (shown->view != TOP_HELP)
            before_help = shown->view;
        shown->view = shown->view == TOP_HELP ? before_help : TOP_HELP;
        break;
    default:
        break;
    }
    return true;
}

static int64_t time_left(const struct top *t)
{
    if (t->is_asking)
        return leat__top_fetch_wait_ms(&t->fetch);
    int64_t left = t->next_ms - leat__clock_now_ms();
    return t->shown.is_paused ? EVERY_MS : left > 0 ? left : 0;
}

/* Until a key is pressed, the answer goes on, or it is time to ask. A changed size ends it too: by its signal. */
static void wait_for_something(struct top *t)
{
    struct pollfd two[] = {
        {.fd = STDIN_FILENO, .events = POLLIN},
        {.fd = t->is_asking ? t->fetch.fd : -1, .events = leat__top_fetch_events(&t->fetch)}};
    poll(two, 2, t->is_asking && t->fetch.fd < 0 ? 0 : (int)time_left(t));
}

static void turn(struct top *t)
{
    wait_for_something(t);
    if (t->is_asking)
        go_on_asking(t);
    else if (!t->shown.is_paused && leat__clock_now_ms() >= t->next_ms)
        begin_asking(t);
}

static bool answer_keys(struct top *t)
{
    for (int key; (key = leat__top_screen_key()) != 0;)
        if (!answer_key(t, key))
            return false;
    return true;
}

static int show_live(struct top *t)
{
    int rows, columns;
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return complain(TOP_USAGE,
                        "this is no terminal; --once prints one look, --json is for programs");
    int status = ask(t);
    if (status != 0)
        return complain(status, t->trouble);
    if (!leat__top_screen_open())
        return complain(TOP_SYSTEM, "the terminal is not known: set TERM, or use --once");
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    signal(SIGHUP, on_signal);
    t->shown.is_interactive = true;
    do {
        leat__top_screen_size(&rows, &columns);
        draw(t, rows, columns);
        leat__top_screen_show(&t->sheet);
        turn(t);
    } while (!is_over && answer_keys(t));
    leat__top_screen_close();
    return TOP_DONE;
}

/* ── What was said ── */

static int read_token(struct top *t, const char *path)
{
    char error[TOP_ERROR_SIZE];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd >= 0 ? read(fd, t->token, sizeof t->token - 1) : -1;
    int why = errno;
    if (fd >= 0)
        close(fd);
    if (size < 0) {
        snprintf(error, sizeof error, "--token-file %.300s: %s", path, strerror(why));
        return complain(TOP_CONFIG, error);
    }
    t->token[size] = '\0';
    t->token[strcspn(t->token, "\r\n")] = '\0';
    for (const char *c = t->token; *c != '\0'; c++)
        if (*c <= ' ' || *c >= 0x7f)
            return complain(TOP_CONFIG, "--token-file: its first line is no token");
    return t->token[0] != '\0' ? 0 : complain(TOP_CONFIG, "--token-file: its first line is empty");
}

static int run(struct top *t, const char *url, bool once, bool json)
{
    static const struct address_manner manner = {
        .port = "9464",
        .no_tls = "the admin listener speaks HTTP without TLS",
        .write = "write http://127.0.0.1:9464, HOST:PORT or unix:/path"};
    char error[TOP_ERROR_SIZE];
    if (!leat__address_parse(&t->address, url, &manner, error, sizeof error))
        return complain(TOP_USAGE, error);
    if (!leat__address_find(&t->address, error, sizeof error))
        return complain(TOP_NOT_THERE, error);
    if (!leat__top_fetch_init(&t->fetch, &t->address, t->token))
        return complain(TOP_SYSTEM, "there is no memory");
    t->shown = (struct top_shown){.history = &t->history, .address = t->address.text, .trouble = t->trouble};
    int status = json ? show_json(t) : once ? show_once(t) : show_live(t);
    leat__top_fetch_finish(&t->fetch);
    leat__top_history_clear(&t->history);
    return status;
}

static int tell_wrong_option(char *const *argv)
{
    char error[TOP_ERROR_SIZE];
    if (optopt == 't')
        snprintf(error, sizeof error, "--token-file: give a file");
    else
        snprintf(error, sizeof error, "%.300s: no such option; leat help top lists them",
                 argv[optind - 1]);
    return complain(TOP_USAGE, error);
}

int main(int argc, char **argv)
{
    static const struct option flags[] = {{"once", no_argument, NULL, 'o'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"token-file", required_argument, NULL, 't'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
    static struct top top;
    bool once = false, json = false;
    setlocale(LC_ALL, "");
    setlocale(LC_NUMERIC, "C");
    opterr = 0;
    for (int flag; (flag = getopt_long(argc, argv, "", flags, NULL)) != -1;) {
        if (flag == 'h') {
            fputs(usage, stdout);
            return end_output();
        }
        if (flag == '?')
            return tell_wrong_option(argv);
        if (flag == 't' && read_token(&top, optarg) != 0)
            return TOP_CONFIG;
        once |= flag == 'o';
        json |= flag == 'j';
    }
    if (argc - optind > 1)
        return complain(TOP_USAGE, "takes one address; leat help top says which");
    return run(&top, optind < argc ? argv[optind] : "http://127.0.0.1:9464", once, json);
}
