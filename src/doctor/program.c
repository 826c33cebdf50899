/* program.c: leat_main, which stands so high because what it serves is looked at by the doctor first: the few milliseconds'
 * worth of looking are spent before the server listens, and the live page shows what was found. */
#include "doctor/doctor.h"
#include "memory/seal.h"
#include "server/main.h"
#include "server/server.h"
#include <stdio.h>

/* Addresses and folders are left out: a server that has started has them, and looking at them can take long. */
char *leat__doctor_look(const leat_server *server)
{
    char *words = leat__start_alloc(DOCTOR_WORDS_SIZE);
    struct report *report = leat__start_alloc(sizeof *report);
    struct doctor doctor = {
        .root = "",
        .config = leat__server_config(server),
        .listeners = leat__server_listeners(server),
        .plan = leat__server_plan(server),
        .error = leat_server_error(server),
        .report = report,
    };
    leat__doctor_settings(&doctor);
    leat__doctor_kernel(&doctor);
    leat__doctor_limits(&doctor);
    leat__doctor_memory(&doctor);
    leat__doctor_network(&doctor);
    leat__doctor_tcp(&doctor);
    leat__doctor_write_words(report, words, DOCTOR_WORDS_SIZE);
    leat__start_free(report);
    return words;
}

int leat_main(leat_app *app, int argc, char **argv)
{
    char usage[256];
    const char *name = argc > 0 ? argv[0] : "leat";
    const char *slash = strrchr(name, '/');
    snprintf(usage, sizeof usage, "%s [OPTION]...", slash != NULL ? slash + 1 : name);
    return leat__main_run(app,
                          &(struct program){
                              .name = slash != NULL ? slash + 1 : name,
                              .usage = usage,
                              .about = "A server made with Leat: its memory is planned, shown and "
                                       "taken before the first request.",
                              .diagnose = leat__doctor_look,
                          },
                          argc, argv);
}
