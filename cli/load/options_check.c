/* options_check.c: the URL, and what must be true of all options together. What can't go together is refused with the reason: a
 * load that is not what was asked for would give figures that are not either. */
#include "load/request.h"
#include "server/main.h"
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

enum { UNAVAILABLE = 69, PROBE_PATIENCE_S = 2 };

static int fail(char *error, size_t error_size, int status, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static int fail(char *error, size_t error_size, int status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error, error_size, format, arguments);
    va_end(arguments);
    return status;
}

/* Whether somebody accepts there. */
static bool answers(const struct sockaddr_storage *to, socklen_t size)
{
    struct timeval patience = {.tv_sec = PROBE_PATIENCE_S};
    int fd = socket(to->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool well = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0 &&
                connect(fd, (const struct sockaddr *)(const void *)to, size) == 0;
    if (fd >= 0)
        close(fd);
    return well;
}

/* Of a name with several addresses the first that accepts: "localhost" is often two, and one of them nobody's. */
static void choose(struct load_options *o, const struct address *a)
{
    unsigned chosen = 0;
    for (unsigned i = 0; a->count > 1 && i < a->count; i++)
        if (answers(&a->found[i], a->sizes[i])) {
            chosen = i;
            break;
        }
    o->to = a->found[chosen];
    o->to_size = a->sizes[chosen];
}

int leat__load_options_url(struct load_options *o, const char *url, char *error, size_t error_size)
{
    static const struct address_manner manner = {
        .port = "80",
        .no_tls = "TLS is not spoken; load what stands behind it, or its plain port",
        .write = "write http://HOST[:PORT][/PATH] or unix:/SOCKET[:/PATH]"};
    struct load_wording *w = o->wording;
    struct address *a = &w->address;
    w->has_address = false;
    if (!leat__address_parse(a, url, &manner, error, error_size))
        return MAIN_USAGE;
    if (!leat__address_find(a, error, error_size))
        return UNAVAILABLE;
    if (a->count == 0)
        return fail(error, error_size, UNAVAILABLE, "%s: has no address", a->text);
    choose(o, a);
    w->has_address = true;
    bool is_unix = a->service[0] == '\0';
    snprintf(o->url, sizeof o->url, "%s%s%s", a->text, is_unix && a->target[0] != '\0' ? ":" : "",
             a->target);
    w->flags.target = a->target[0] != '\0' ? a->target : "/";
    struct load_octets content = w->flags.content, expected = w->flags.expected;
    w->flags.content.file = w->flags.expected.file = NULL; /* _check reads files */
    int status = leat__load_compose(o, error, error_size);
    w->flags.content = content;
    w->flags.expected = expected;
    return status;
}

/* ── What goes together ── */

static bool is_here(const struct load_options *o)
{
    const struct sockaddr_in *four = (const struct sockaddr_in *)(const void *)&o->to;
    return o->to.ss_family == AF_INET && ntohl(four->sin_addr.s_addr) >> 24 == 127;
}

static const char *missing_partner(const struct load_options *o)
{
    if (o->idle == 0 && o->idle_rate > 0)
        return "--idle-rate: there are no quiet connections to wake; add --idle N";
    if (o->idle == 0 && CPU_COUNT(&o->idle_cores) > 0)
        return "--idle-cores: there are no quiet connections; add --idle N";
    if (o->arrivals != LOAD_CLOSED && o->rate <= 0)
        return "--arrivals: only what has a rate arrives in some way; add --rate R";
    return NULL;
}

static const char *contradiction(const struct load_options *o)
{
    if (o->pipeline > 1 && o->per_connection == 1)
        return "--pipeline with --requests-per-connection 1: a connection that closes behind its "
               "first request has no second; "
               "leave one of them out";
    if (o->pipeline > 1 && o->per_connection > 0 && o->per_connection < o->pipeline)
        return "--pipeline: more than --requests-per-connection can't be under way; make it "
               "smaller";
    if (o->sources > 1 && !is_here(o))
        return "--sources: other addresses can be had only in 127.0.0.0/8, for a server that "
               "listens there; leave it out";
    if (o->threads > o->active)
        return "--threads: more than there are active connections; give fewer, or a larger "
               "--active";
    return NULL;
}

static const char *mix_contradiction(const struct load_wording *w)
{
    if (strcmp(w->flags.method, "GET") != 0)
        return "--method with --mix: the file names the methods; leave it out";
    if (w->flags.content.file != NULL || w->flags.content.octets != NULL)
        return "--content with --mix: the file says what is sent; leave it out";
    if (w->flags.expected.file != NULL)
        return "--expect with --mix: the file says what is expected; leave it out";
    if (w->flags.status != 0)
        return "--status with --mix: the file says what is expected; leave it out";
    if (w->address.target[0] != '\0' && strcmp(w->address.target, "/") != 0)
        return "--mix: the file names the paths; give the URL without one";
    return NULL;
}

/* The cores that this process may use, as people write them. */
static void write_cores(char *out, size_t size, const cpu_set_t *set)
{
    size_t at = 0;
    for (int core = 0; core < CPU_SETSIZE && at + 16 < size; core++) {
        if (!CPU_ISSET(core, set))
            continue;
        int last = core;
        while (last + 1 < CPU_SETSIZE && CPU_ISSET(last + 1, set))
            last++;
        at += (size_t)snprintf(out + at, size - at, last > core ? "%s%d-%d" : "%s%d",
                               at > 0 ? "," : "", core, last);
        core = last;
    }
}

static int check_cores(const char *name, const cpu_set_t *wanted, char *error, size_t error_size)
{
    cpu_set_t ours, both;
    char text[128] = "";
    if (sched_getaffinity(0, sizeof ours, &ours) < 0)
        return 0;
    CPU_AND(&both, &ours, wanted);
    if (CPU_EQUAL(&both, wanted))
        return 0;
    write_cores(text, sizeof text, &ours);
    return fail(error, error_size, MAIN_USAGE, "--%s: not all of them are ours; give some of %s",
                name, text);
}

static int read_mix(struct load_options *o, char *error, size_t error_size)
{
    struct load_wording *w = o->wording;
    const char *why = mix_contradiction(w);
    if (why != NULL)
        return fail(error, error_size, MAIN_USAGE, "%s", why);
    struct load_octets text = {.file = w->mix_file};
    int status = leat__load_octets_read(w, &text, NULL, error, error_size);
    if (status != 0)
        return status;
    return leat__load_mix_parse(w, text.octets, text.size, w->mix_file, error, error_size) ? 0 : MAIN_CONFIG;
}

int leat__load_options_check(struct load_options *o, char *error, size_t error_size)
{
    struct load_wording *w = o->wording;
    if (!w->has_address)
        return fail(error, error_size, MAIN_USAGE,
                    "which server? Write its URL, like leat load http://127.0.0.1:8080/");
    if (o->rate > 0 && o->arrivals == LOAD_CLOSED)
        o->arrivals = LOAD_CONSTANT;
    if (o->count > 0 && !w->duration_told)
        o->duration_s = 0;
    const char *why = missing_partner(o);
    if (why == NULL)
        why = contradiction(o);
    if (why != NULL)
        return fail(error, error_size, MAIN_USAGE, "%s", why);
    int status = check_cores("cores", &o->active_cores, error, error_size);
    if (status == 0)
        status = check_cores("idle-cores", &o->idle_cores, error, error_size);
    if (status == 0 && o->pid > 0 && kill(o->pid, 0) < 0 && errno == ESRCH)
        status = fail(error, error_size, UNAVAILABLE, "--pid %d: there is no such process", (int)o->pid);
    if (status == 0 && w->mix_file != NULL)
        status = read_mix(o, error, error_size);
    return status != 0 ? status : leat__load_compose(o, error, error_size);
}
