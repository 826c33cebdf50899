/* serve.c: `leat serve [DIR]`: the main job. */
#include "site.h"
#include "verbs.h"
#include "server/main.h"

int leat__verb_serve(int argc, char **argv)
{
    struct site site = {0};
    return leat__main_run(
        leat_app_create(),
        &(struct program){
            .name = "leat",
            .usage = "leat serve [DIR] [OPTION]...",
            .about =
                "Serves the files of DIR: index.html for a folder, no hidden files, nothing\n"
                "outside of DIR whatever a request or a link says. Without DIR: a welcome page\n"
                "that shows the memory plan of the very process that sends it.",
            .takes_operand = true,
            .prepare = leat__site_prepare,
            .planned = leat__site_planned,
            .data = &site,
        },
        argc, argv);
}
