/* options.c: flags → struct load_options. One row for each flag: its name, its value's, what it means, and how it is read; --help,
 * the hint for a misspelt one and `leat compare` have them from here. Files are read when all flags are known (_check). */
#include "load/human.h"
#include "load/request.h"
#include "config/option_values.h"
#include "server/main.h"
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* A flag that is being read. */
struct reading {
    struct load_options *o;
    const struct flag *flag;
    const char *value;
    char *error;
    size_t error_size;
};

struct flag {
    const char *name, *value_name, *about;
    char letter;
    int (*read)(struct reading *r); /* 0 or -EINVAL */
    size_t offset;
    int64_t least, most;
    const char *words;
};

static int fail(struct reading *r, const char *way_out)
{
    snprintf(r->error, r->error_size, "--%s %.100s: %s", r->flag->name, r->value, way_out);
    leat__human_line(r->error);
    return -EINVAL;
}

static void *field(struct reading *r)
{
    return (char *)r->o + r->flag->offset;
}

/* ── Values ── */

static int read_count(struct reading *r, int64_t *count)
{
    char way_out[96];
    if (leat__option_read_count(r->value, count) == 0 && *count >= r->flag->least &&
        *count <= r->flag->most)
        return 0;
    snprintf(way_out, sizeof way_out, "give a whole number from %lld to %lld",
             (long long)r->flag->least, (long long)r->flag->most);
    return fail(r, way_out);
}

static int read_count32(struct reading *r)
{
    int64_t count;
    if (read_count(r, &count) < 0)
        return -EINVAL;
    *(uint32_t *)field(r) = (uint32_t)count;
    return 0;
}

static int read_count64(struct reading *r)
{
    int64_t count;
    if (read_count(r, &count) < 0)
        return -EINVAL;
    *(uint64_t *)field(r) = (uint64_t)count;
    return 0;
}

static int read_ms(struct reading *r, int64_t *ms)
{
    char least[OPTION_VALUE_SIZE], most[OPTION_VALUE_SIZE], way_out[96];
    bool is_zero = strcmp(r->value, "0") == 0;
    *ms = 0;
    if ((is_zero || leat__option_read_duration(r->value, ms) == 0) && *ms >= r->flag->least &&
        *ms <= r->flag->most)
        return 0;
    leat__option_write_duration(least, r->flag->least);
    leat__option_write_duration(most, r->flag->most);
    snprintf(way_out, sizeof way_out, "give a time from %s to %s, like 500ms, 10s, 2m", least, most);
    return fail(r, way_out);
}

static int read_seconds(struct reading *r)
{
    int64_t ms;
    if (read_ms(r, &ms) < 0)
        return -EINVAL;
    *(double *)field(r) = (double)ms / 1000;
    return 0;
}

static int read_duration(struct reading *r)
{
    r->o->wording->duration_told = true;
    return read_seconds(r);
}

static int read_milliseconds(struct reading *r)
{
    int64_t ms;
    if (read_ms(r, &ms) < 0)
        return -EINVAL;
    *(uint32_t *)field(r) = (uint32_t)ms;
    return 0;
}

/* An enum's first values, in its order. */
static int read_word(struct reading *r)
{
    char way_out[96];
    int word = leat__option_find_word(r->flag->words, r->value);
    if (word >= 0) {
        memcpy(field(r), &word, sizeof word);
        return 0;
    }
    snprintf(way_out, sizeof way_out, "give one of %s", r->flag->words);
    return fail(r, way_out);
}

/* 1000, 2.5, 10k, 100000/s */
static int read_rate(struct reading *r)
{
    char none[] = "", *end = none;
    double rate = isdigit((unsigned char)r->value[0]) ? strtod(r->value, &end) : -1;
    if (rate >= 0 && *end == 'k') {
        rate *= 1000;
        end++;
    }
    if (rate < 0 || (*end != '\0' && strcmp(end, "/s") != 0) || !isfinite(rate) || rate < 1e-3 ||
        rate > 1e8)
        return fail(r, "give so many a second, from 0.001 to 100000000, like 5000 or 10k/s");
    *(double *)field(r) = rate;
    return 0;
}

static int read_arrivals(struct reading *r)
{
    int word = leat__option_find_word(r->flag->words, r->value);
    if (word < 0)
        return fail(r, "give one of constant|poisson");
    r->o->arrivals = (enum load_arrivals)(LOAD_CONSTANT + word);
    return 0;
}

/* 0,2-5 */
static int read_cores(struct reading *r)
{
    cpu_set_t *set = field(r);
    const char *at = r->value;
    CPU_ZERO(set);
    for (;;) {
        char none[] = "", *end = none;
        unsigned long first = isdigit((unsigned char)*at) ? strtoul(at, &end, 10) : CPU_SETSIZE,
                      last = first;
        if (first < CPU_SETSIZE && *end == '-' && isdigit((unsigned char)end[1]))
            last = strtoul(end + 1, &end, 10);
        if (first >= CPU_SETSIZE || last >= CPU_SETSIZE || last < first || (*end != ',' && *end != '\0'))
            return fail(r, "give cores by number, like 0 or 0,2-5");
        for (unsigned long core = first; core <= last; core++)
            CPU_SET(core, set);
        if (*end == '\0')
            return 0;
        at = end + 1;
    }
}

static int read_pid(struct reading *r)
{
    int64_t pid;
    if (read_count(r, &pid) < 0)
        return -EINVAL;
    r->o->pid = (pid_t)pid;
    return 0;
}

/* ── The request ── */

static int no_memory(struct reading *r)
{
    return fail(r, "there is no memory");
}

static int read_method(struct reading *r)
{
    const char *fault = leat__load_method_fault(r->value);
    if (fault != NULL)
        return fail(r, fault);
    r->o->wording->flags.method = leat__load_keep(r->o->wording, r->value, strlen(r->value));
    return r->o->wording->flags.method != NULL ? 0 : no_memory(r);
}

static int read_header(struct reading *r)
{
    struct load_wording *w = r->o->wording;
    const char *fault = leat__load_field_fault(r->value);
    if (fault != NULL)
        return fail(r, fault);
    char *fields = leat__load_keep_both(w, w->flags.fields, r->value);
    w->flags.fields = fields != NULL ? leat__load_keep_both(w, fields, "\r\n") : NULL;
    if (w->flags.fields != NULL)
        return 0;
    w->flags.fields = "";
    return no_memory(r);
}

static int read_file_name(struct reading *r, struct load_octets *octets)
{
    const char *name = r->value + (r->value[0] == '@'); /* as curl has it, too */
    if (octets->file != NULL || octets->octets != NULL)
        return fail(r, "there is content already; give it once");
    if (name[0] == '\0')
        return fail(r, "give a file, or - for standard input");
    octets->file = leat__load_keep(r->o->wording, name, strlen(name));
    return octets->file != NULL ? 0 : no_memory(r);
}

static int read_content(struct reading *r)
{
    return read_file_name(r, &r->o->wording->flags.content);
}

static int read_expect(struct reading *r)
{
    return read_file_name(r, &r->o->wording->flags.expected);
}

static int read_content_text(struct reading *r)
{
    struct load_octets *content = &r->o->wording->flags.content;
    if (content->file != NULL || content->octets != NULL)
        return fail(r, "there is content already; give it once");
    content->size = strlen(r->value);
    content->octets = leat__load_keep(r->o->wording, r->value, content->size);
    return content->octets != NULL ? 0 : no_memory(r);
}

static int read_status(struct reading *r)
{
    int64_t status;
    if (read_count(r, &status) < 0)
        return -EINVAL;
    r->o->wording->flags.status = (uint16_t)status;
    return 0;
}

static int read_mix(struct reading *r)
{
    struct load_wording *w = r->o->wording;
    w->mix_file = leat__load_keep(w, r->value, strlen(r->value));
    return w->mix_file != NULL ? 0 : no_memory(r);
}

/* ── The table ── */

#define AT(name) offsetof(struct load_options, name)
enum { HOUR_MS = 3600000, DAY_MS = 24 * HOUR_MS };

/* clang-format off */
static const struct flag flags[] = {
    {"active", "N", "connections that work (64)", 'c', read_count32, AT(active), 1, 1000000, NULL},
    {"idle", "N", "more connections, that were answered once and are held (0)", 0, read_count32, AT(idle), 0, 10000000, NULL},
    {"idle-rate", "R", "so many of those are woken a second, in all (0)", 0, read_rate, AT(idle_rate), 0, 0, NULL},
    {"rate", "R", "requests a second, sent when they are due however late the answers are: an open loop. Without it each "
        "connection asks again when it was answered: a closed loop", 'r', read_rate, AT(rate), 0, 0, NULL},
    {"arrivals", "HOW", "with a rate: constant (evenly, the default), poisson (as people come)", 0, read_arrivals, 0, 0, 0,
        "constant|poisson"},
    {"duration", "T", "how long is measured (10s)", 'd', read_duration, AT(duration_s), 1, DAY_MS, NULL},
    {"count", "N", "ends after so many requests; with --duration, by what comes first", 'n', read_count64, AT(count), 1,
        1000000000000, NULL},
    {"warm-up", "T", "that is counted by nobody, before (1s)", 0, read_seconds, AT(warmup_s), 0, HOUR_MS, NULL},
    {"ramp", "T", "over which the active connections are opened (0)", 0, read_seconds, AT(ramp_s), 0, HOUR_MS, NULL},
    {"timeout", "T", "for one answer; then the connection is given up (5s)", 0, read_milliseconds, AT(timeout_ms), 1, HOUR_MS,
        NULL},
    {"pipeline", "N", "requests under way on a connection (1)", 'p', read_count32, AT(pipeline), 1, LOAD_PIPELINE_MAX, NULL},
    {"requests-per-connection", "N", "then it is closed and another is opened; 1: no keep-alive (no bound)", 0, read_count32,
        AT(per_connection), 1, 1000000000, NULL},
    {"method", "M", "of the request (GET)", 'm', read_method, 0, 0, 0, NULL},
    {"header", "'NAME: VALUE'", "a field of every request; again and again", 'H', read_header, 0, 0, 0, NULL},
    {"content", "FILE", "is the request's content; -: standard input", 0, read_content, 0, 0, 0, NULL},
    {"content-text", "TEXT", "is the request's content", 0, read_content_text, 0, 0, 0, NULL},
    {"expect", "FILE", "is what every answer's content must be", 0, read_expect, 0, 0, 0, NULL},
    {"status", "N", "is what every answer's status must be (any of 200 to 299)", 0, read_status, 0, 100, 599, NULL},
    {"verify", "WHAT", "same: an answer's content is that of --expect, or of the first (the default); length: only as long; "
        "status: nothing more", 0, read_word, AT(verify), 0, 0, "same|length|status"},
    {"mix", "FILE", "many requests, with weights: see leat-load(1)", 0, read_mix, 0, 0, 0, NULL},
    {"loop", "KIND", "auto, uring or epoll (auto)", 0, read_word, AT(loop), 0, 0, "auto|uring|epoll"},
    {"threads", "N", "for the active ones (as there are cores for it)", 't', read_count32, AT(threads), 1, LOAD_THREADS_MAX, NULL},
    {"cores", "LIST", "where the active ones' threads run, like 1 or 0,2-5 (chosen)", 0, read_cores, AT(active_cores), 0, 0, NULL},
    {"idle-cores", "LIST", "the same for the idle ones'", 0, read_cores, AT(idle_cores), 0, 0, NULL},
    {"sources", "N", "addresses to come from, of 127.0.0.0/8 (chosen)", 0, read_count32, AT(sources), 1, 65000, NULL},
    {"pid", "PID", "the server's process: its processor time, memory, faults and switches are told too", 0, read_pid, 0, 1,
        INT32_MAX, NULL},
    {"seed", "N", "for what is drawn by chance: arrivals, and which of a mix (1)", 0, read_count64, AT(seed), 0, INT64_MAX, NULL},
};
/* clang-format on */

static const struct flag *find(const char *name)
{
    bool is_short = name[0] == '-' && name[1] != '-' && name[1] != '\0' && name[2] == '\0';
    const char *bare = name + strspn(name, "-");
    for (unsigned i = 0; i < COUNT_OF(flags); i++)
        if (is_short ? flags[i].letter == name[1] : strcmp(flags[i].name, bare) == 0)
            return &flags[i];
    return NULL;
}

void leat__load_options_init(struct load_options *o)
{
    memset(o, 0, sizeof *o);
    o->active = 64;
    o->pipeline = 1;
    o->warmup_s = 1;
    o->duration_s = 10;
    o->timeout_ms = 5000;
    o->verify = LOAD_VERIFY_SAME;
    o->seed = 1;
    CPU_ZERO(&o->active_cores);
    CPU_ZERO(&o->idle_cores);
    o->wording = calloc(1, sizeof *o->wording);
    ASSERT(o->wording != NULL); /* 20 KB, at the start */
    o->wording->flags = (struct load_words){.method = "GET", .target = "/", .fields = "", .weight = 1};
}

void leat__load_options_free(struct load_options *o)
{
    for (; o->request_count > 0; o->request_count--)
        free(o->requests[o->request_count - 1].octets);
    if (o->wording != NULL)
        leat__load_let_go(o->wording);
    free(o->wording);
    o->wording = NULL;
}

int leat__load_options_flag(struct load_options *o, const char *name, const char *value,
                            char *error, size_t error_size)
{
    const struct flag *flag = find(name);
    if (flag == NULL)
        return -ENOENT;
    if (value == NULL) {
        snprintf(error, error_size, "--%s: wants a value: --%s %s", flag->name, flag->name,
                 flag->value_name);
        return -EINVAL;
    }
    struct reading r = {o, flag, value, error, error_size};
    int status = flag->read(&r);
    return status < 0 ? status : 1;
}

const char *leat__load_options_nearest(const char *name, const char *const *more, unsigned count)
{
    static char found[LOAD_NAME_SIZE];
    const char *names[COUNT_OF(flags) + 16];
    unsigned all = 0;
    for (; all < COUNT_OF(flags); all++)
        names[all] = flags[all].name;
    for (unsigned i = 0; i < count && all < COUNT_OF(names); i++)
        names[all++] = more[i];
    int nearest = leat__option_nearest(name + strspn(name, "-"), names, all);
    if (nearest < 0)
        return NULL;
    snprintf(found, sizeof found, "--%s", names[nearest]);
    return found;
}

/* One text, broken at spaces so that it stands in its column. */
static void print_about(FILE *to, const char *text, int column, int width)
{
    for (int at = 0; *text != '\0';) {
        size_t size = strcspn(text, " ");
        if (at > 0 && at + 1 + (int)size > width) {
            fprintf(to, "\n%*s", column, "");
            at = 0;
        }
        at += fprintf(to, "%s%.*s", at > 0 ? " " : "", (int)size, text);
        text += size + strspn(text + size, " ");
    }
    fputc('\n', to);
}

void leat__load_options_help(FILE *to)
{
    enum { COLUMN = 31, WIDTH = 68 };
    for (unsigned i = 0; i < COUNT_OF(flags); i++) {
        const struct flag *f = &flags[i];
        int size = fprintf(to, "  --%s %s", f->name, f->value_name);
        if (f->letter != 0)
            size += fprintf(to, ", -%c", f->letter);
        if (size > COLUMN - 2)
            size = fprintf(to, "\n") - 1;
        fprintf(to, "%*s", COLUMN - size, "");
        print_about(to, f->about, COLUMN, WIDTH);
    }
}
