/* main.h: what every program that serves does, with the few places where the `leat` command's verbs
 * differ from leat_main. */
#ifndef LEAT_MAIN_H
#define LEAT_MAIN_H

#include "leat/leat.h"
#include "memory/plan.h"

enum { MAIN_DONE = 0, MAIN_USAGE = 64, MAIN_SYSTEM = 71 };

struct program {
    const char *name;  /* in front of every message */
    const char *usage; /* behind "Usage: " */
    const char *about; /* lines for --help */
    bool takes_operand;
    bool plan_only; /* --plan goes without saying */
    /* Registers what depends on the operand (NULL: none was given); NULL: nothing does. 0, or the exit status after a
     * line on stderr. */
    int (*prepare)(leat_app *app, const char *operand, void *data);
    /* The plan is made and nothing is sealed yet; may be NULL. */
    void (*planned)(const struct plan *plan, void *data);
    void *data;
};

/* The whole of a program; answers its exit status (leat.h, leat_main). Destroys app. */
int leat__main_run(leat_app *app, const struct program *program, int argc, char **argv);

#endif
