/* serve.c: `leat serve [DIR]`: the main job. */
#include "site.h"
#include "verbs.h"

#include "doctor/doctor.h"

int leat__verb_serve(int argc, char **argv)
{
    static struct serving serving;
    struct program program = leat__site_program(&serving);
    program.usage = "leat serve [DIR] [OPTION]...";
    program.about =
        "Serves the files of DIR: index.html for a folder, no hidden files, nothing outside of "
        "DIR\n"
        "whatever a request or a link says. --bundle serves a packed folder instead, and sections\n"
        "[site NAME ...] of a configuration file serve more, each by its host. Without any of "
        "them:\n"
        "a welcome page that shows the memory plan of the very process that sends it.";
    program.diagnose = leat__doctor_look;
    return leat__main_run(leat_app_create(), &program, argc, argv);
}
