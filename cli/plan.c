/* plan.c: `leat plan [DIR]`: the memory that `leat serve` with the same options would take. */
#include "site.h"
#include "verbs.h"

int leat__verb_plan(int argc, char **argv)
{
    static struct serving serving;
    struct program program = leat__site_program(&serving);
    program.usage = "leat plan [DIR] [OPTION]...";
    program.about =
        "Prints what a server with these options takes in memory and descriptors, and what\n"
        "the kernel is likely to hold for it. Exit status 78 when that does not fit, with\n"
        "the line that says what to shrink. --json is for programs, --layout shows the\n"
        "structures that every request touches.";
    program.plan_only = true;
    return leat__main_run(leat_app_create(), &program, argc, argv);
}
