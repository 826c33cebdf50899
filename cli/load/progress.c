/* progress.c: how a load stands, while it runs. On a terminal one line that is drawn anew: phase, bar, requests a second, how long
 * they take, errors, and a sparkline of the last requests a second. Elsewhere a line after two seconds and one every ten: a log shall
 * say that it lives, and be short.
 *
 * Numbers stand in fields of fixed width, so that nothing jumps. */
#include "load/face.h"
#include "base/clock.h"
#include "load/human.h"
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { SPARKS = 32, LINE_SIZE = 512, LOG_FIRST_MS = 2000, LOG_EVERY_MS = 10000, BAR_WIDTH = 12 };

struct load_face {
    FILE *to;
    bool is_terminal, is_unicode;
    uint32_t idle;
    double sparks[SPARKS];
    unsigned spark_count;
    int64_t next_ms; /* of a log: when the next line is due */
};

static const char *const phases[] = {
    [LOAD_CONNECTING] = "connecting", [LOAD_WARMING] = "warming up", [LOAD_MEASURING] = "measuring", [LOAD_ENDING] = "ending"};

/* By the environment, without changing this program's own locale. */
static bool speaks_unicode(void)
{
    locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
    bool utf8 = locale != (locale_t)0 && strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0;
    if (locale != (locale_t)0)
        freelocale(locale);
    return utf8;
}

struct load_face *leat__load_progress_open(const struct load_options *o, FILE *to, bool quiet)
{
    struct load_face *face = quiet ? NULL : calloc(1, sizeof *face);
    const char *terminal = getenv("TERM");
    bool is_dumb = terminal == NULL || terminal[0] == '\0' || strcmp(terminal, "dumb") == 0;
    if (face == NULL)
        return NULL;
    face->to = to;
    face->is_terminal = isatty(fileno(to));
    face->is_unicode = face->is_terminal && !is_dumb && speaks_unicode();
    face->idle = o->idle;
    face->next_ms = leat__clock_now_ms() + LOG_FIRST_MS;
    return face;
}

/* ── The line ── */

/* A text that is built: bytes and columns differ, for a mark may take three bytes. */
struct line {
    char text[LINE_SIZE];
    size_t size;
    int columns, width;
};

/* Whole, or not at all. */
static void put(struct line *l, const char *text, int columns)
{
    size_t size = strlen(text);
    if (l->columns + columns > l->width || l->size + size >= sizeof l->text)
        return;
    memcpy(l->text + l->size, text, size + 1);
    l->size += size;
    l->columns += columns;
}

static void put_bar(struct line *l, const struct load_face *face, double share)
{
    static const char *const eighths[] = {" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"};
    double filled = (share > 0 ? share < 1 ? share : 1 : 0) * BAR_WIDTH;
    put(l, face->is_unicode ? "▕" : "[", 1);
    for (int i = 0; i < BAR_WIDTH; i++) {
        double part = filled - i;
        int eighth = part >= 1 ? 8 : part <= 0 ? 0 : (int)(part * 8);
        put(l, face->is_unicode ? eighths[eighth] : eighth >= 4 ? "#" : ".", 1);
    }
    put(l, face->is_unicode ? "▏" : "]", 1);
}

static void put_sparks(struct line *l, const struct load_face *face)
{
    static const char *const blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const plain[] = {"_", ".", ",", "-", "=", "+", "*", "#"};
    double most = 0;
    for (unsigned i = 0; i < face->spark_count; i++)
        most = face->sparks[i] > most ? face->sparks[i] : most;
    for (unsigned i = 0; most > 0 && i < face->spark_count; i++) {
        int height = (int)(face->sparks[i] / most * 7.999);
        put(l, face->is_unicode ? blocks[height] : plain[height], 1);
    }
}

static void put_times(struct line *l, const struct load_moment *m)
{
    char p50[HUMAN_SIZE], p99[HUMAN_SIZE], text[96];
    if (m->p50_ns == 0)
        return;
    put(l, text,
        snprintf(text, sizeof text, "  p50 %7s  p99 %7s", leat__human_ns(p50, m->p50_ns),
                 leat__human_ns(p99, m->p99_ns)));
}

static void put_figures(struct line *l, const struct load_face *face, const struct load_moment *m)
{
    char number[HUMAN_SIZE], text[96];
    if (m->phase == LOAD_CONNECTING || m->phase == LOAD_ENDING) {
        put(l, text, snprintf(text, sizeof text, "  %llu active", (unsigned long long)m->active));
        if (face->idle > 0)
            put(l, text,
                snprintf(text, sizeof text, ", %llu of %u idle", (unsigned long long)m->idle, face->idle));
        return;
    }
    put(l, text, snprintf(text, sizeof text, "  %6s/s", leat__human_count(number, m->per_second)));
    put_times(l, m);
    if (m->errors > 0)
        put(l, text,
            snprintf(text, sizeof text, "  %s errors", leat__human_count(number, (double)m->errors)));
}

static int width(const struct load_face *face)
{
    struct winsize size;
    if (ioctl(fileno(face->to), TIOCGWINSZ, &size) < 0 || size.ws_col < 20)
        return 79;
    return size.ws_col - 1; /* the last column would wrap on some */
}

static void draw(const struct load_face *face, const struct load_moment *m)
{
    struct line l = {.width = width(face)};
    char text[64];
    put(&l, text, snprintf(text, sizeof text, "%-10s ", phases[m->phase]));
    put_bar(&l, face, m->share);
    put(&l, text, snprintf(text, sizeof text, " %3.0f%%", 100 * m->share));
    put_figures(&l, face, m);
    put(&l, "  ", 2);
    put_sparks(&l, face);
    fprintf(face->to, "\r%s\033[K", l.text);
    fflush(face->to);
}

static void log_line(struct load_face *face, const struct load_moment *m)
{
    struct line l = {.width = LINE_SIZE};
    int64_t now_ms = leat__clock_now_ms();
    if (now_ms < face->next_ms)
        return;
    face->next_ms = now_ms + LOG_EVERY_MS;
    put_figures(&l, face, m);
    fprintf(face->to, "leat: load: %s, %.0f%%%s\n", phases[m->phase], 100 * m->share, l.text);
    fflush(face->to);
}

static void remember(struct load_face *face, const struct load_moment *m)
{
    if (m->phase != LOAD_MEASURING && m->phase != LOAD_WARMING)
        return;
    if (face->spark_count == SPARKS)
        memmove(face->sparks, face->sparks + 1, (SPARKS - 1) * sizeof face->sparks[0]);
    else
        face->spark_count++;
    face->sparks[face->spark_count - 1] = m->per_second > 0 ? m->per_second : 0;
}

void leat__load_progress_show(struct load_face *face, const struct load_moment *moment)
{
    if (face == NULL)
        return;
    remember(face, moment);
    if (face->is_terminal)
        draw(face, moment);
    else
        log_line(face, moment);
}

void leat__load_progress_close(struct load_face *face)
{
    if (face != NULL && face->is_terminal)
        fputs("\r\033[K", face->to);
    if (face != NULL)
        fflush(face->to);
    free(face);
}
