/* plan.c: `leat plan [DIR]`: the memory that `leat serve` with the same options would take. */
#include "site.h"
#include "verbs.h"
#include "server/main.h"

int leat__verb_plan(int argc, char **argv)
{
    struct site site = {0};
    return leat__main_run(
        leat_app_create(),
        &(struct program){
            .name = "leat",
            .usage = "leat plan [OPTION]...",
            .about =
                "Prints what a server with these options takes in memory and descriptors, and "
                "what\n"
                "the kernel is likely to hold for it. Exit status 78 when that does not fit, with\n"
                "the line that says what to shrink. --json is for programs, --layout shows the\n"
                "structures that every request touches.",
            .takes_operand = true,
            .plan_only = true,
            .prepare = leat__site_prepare,
            .data = &site,
        },
        argc, argv);
}
