/* doctor.c: `leat doctor [DIR]`: what `leat serve` with the same options would meet on this system, and what to change.
 * A folder that can't be opened ends nothing here, as it would when serving: it becomes a finding. */
#define _GNU_SOURCE
#include "site.h"
#include "verbs.h"

#include "doctor/doctor.h"
#include "server/main.h"
#include "server/server.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

enum { DOCTOR_FAULTS = 78 };

struct visit {
    struct serving serving;
    struct doctor_folder folders[SITES_MAX];
    uint32_t folder_count;
    uint32_t soft_descriptors;
    char error[768]; /* of the sites */
};

static void *open_section(const struct option_texts *names, void *data)
{
    struct visit *visit = data;
    return leat__site_open_section(names, &visit->serving);
}

static bool can_be_opened(const struct doctor_folder *folder)
{
    int fd = open(folder->path, O_RDONLY | O_CLOEXEC | (folder->is_bundle ? 0 : O_DIRECTORY));
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

/* What the sites serve; whether all of it can be opened. */
static bool gather(struct visit *visit)
{
    bool all = true;
    for (uint32_t i = 0; i <= visit->serving.section_count; i++) {
        const struct site_options *site = &visit->serving.sites[i];
        const char *path = site->bundle != NULL ? site->bundle : site->root;
        if (path == NULL)
            continue;
        struct doctor_folder *folder = &visit->folders[visit->folder_count++];
        *folder = (struct doctor_folder){path, site->index, site->bundle != NULL, site->listing};
        all &= can_be_opened(folder);
    }
    return all;
}

/* What is wrong with the sites is told on stderr, by whoever finds it; here it becomes a finding. */
static void keep_words(struct visit *visit, int words)
{
    static const char name[] = "leat: ";
    char text[sizeof visit->error];
    ssize_t size = pread(words, text, sizeof text - 1, 0);
    text[size > 0 ? size : 0] = '\0';
    const char *line = strncmp(text, name, sizeof name - 1) == 0 ? text + sizeof name - 1 : text;
    snprintf(visit->error, sizeof visit->error, "%.*s", (int)strcspn(line, "\n"), line);
}

static int prepare(leat_app *app, const char *folder, void *data)
{
    struct visit *visit = data;
    if (folder != NULL)
        visit->serving.sites[0].root = folder;
    if (!gather(visit))
        return MAIN_DONE;
    int kept = dup(STDERR_FILENO), words = memfd_create("words", MFD_CLOEXEC);
    bool listens = kept >= 0 && words >= 0 && dup2(words, STDERR_FILENO) >= 0;
    int status = leat__site_prepare(app, folder, &visit->serving);
    if (listens) {
        dup2(kept, STDERR_FILENO);
        if (status != MAIN_DONE)
            keep_words(visit, words);
        status = MAIN_DONE;
    }
    if (kept >= 0)
        close(kept);
    if (words >= 0)
        close(words);
    return status;
}

static void write_out(void *to, const char *text, size_t size)
{
    (void)to;
    fwrite(text, 1, size, stdout);
}

/* NO_COLOR: no-color.org. */
static bool wants_colour(void)
{
    const char *no = getenv("NO_COLOR"), *terminal = getenv("TERM");
    bool dumb = terminal == NULL || strcmp(terminal, "dumb") == 0;
    return isatty(STDOUT_FILENO) && (no == NULL || no[0] == '\0') && !dumb;
}

static int examine(const leat_server *server, const struct options *options, void *data)
{
    static struct report report;
    const struct visit *visit = data;
    struct doctor doctor = {
        .root = "",
        .config = leat__server_config(server),
        .listeners = leat__server_listeners(server),
        .plan = leat__server_plan(server),
        .error = visit->error[0] != '\0' ? visit->error : leat_server_error(server),
        .folders = visit->folders,
        .folder_count = visit->folder_count,
        .soft_descriptors = visit->soft_descriptors,
        .report = &report,
    };
    leat__doctor_all(&doctor);
    if (options->json)
        leat__doctor_print_json(&report, write_out, NULL);
    else
        leat__doctor_print(&report, wants_colour(), write_out, NULL);
    return leat__doctor_count(&report, DOCTOR_BAD) > 0 ? DOCTOR_FAULTS : MAIN_DONE;
}

int leat__verb_doctor(int argc, char **argv)
{
    static struct visit visit;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        visit.soft_descriptors = limit.rlim_cur < INT32_MAX ? (uint32_t)limit.rlim_cur : INT32_MAX;
    struct program program = leat__site_program(&visit.serving);
    program.usage = "leat doctor [DIR] [OPTION]...";
    program.about =
        "Looks at what leat serve with the same options would meet on this system: kernel,\n"
        "limits, memory, network, addresses and DIR; says what is amiss, why it matters and\n"
        "what to change. Nothing is changed or served. --json is for programs. Exit status 78\n"
        "when something would keep the server from starting.";
    program.open_section = open_section;
    program.prepare = prepare;
    program.planned = NULL;
    program.examine = examine;
    program.data = &visit;
    return leat__main_run(leat_app_create(), &program, argc, argv);
}
