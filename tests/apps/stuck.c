/* stuck.c: a handler that holds its loop up, for the end-to-end tests of the admin listener: until somebody opens the FIFO
 * $STUCK for writing. */
#include <fcntl.h>
#include <leat/leat.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void hello(leat_exchange *x)
{
    leat_text(x, 200, "Hello\n");
}

static void hold_up(leat_exchange *x)
{
    const char *path = getenv("STUCK");
    int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd >= 0)
        close(fd);
    leat_text(x, 200, "%s\n", fd >= 0 ? "free again" : "no FIFO");
}

int main(int argc, char **argv)
{
    leat_app *app = leat_app_create();
    leat_get(app, "/", hello);
    leat_get(app, "/stuck", hold_up);
    return leat_main(app, argc, argv);
}
