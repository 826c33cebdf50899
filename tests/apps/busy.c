/* busy.c: a server that takes as much time for an answer as it is told to, for the tests that compare: BURN in its environment is
 * how many turns of a loop. DIE_AFTER: it ends with status 3 after so many answers. WRONG_AFTER: then it answers 500. */
#include <leat/leat.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static long burn, die_after, wrong_after;
static atomic_long answers; /* of all shards */

static long number(const char *name)
{
    const char *text = getenv(name);
    return text != NULL ? strtol(text, NULL, 10) : 0;
}

static void answer(leat_exchange *x)
{
    for (volatile long i = 0; i < burn; i++) {
    }
    long nth = atomic_fetch_add(&answers, 1) + 1;
    if (nth == die_after) {
        fputs("busy: had enough\n", stderr);
        _Exit(3);
    }
    if (wrong_after > 0 && nth > wrong_after)
        leat_text(x, 500, "no\n");
    else
        leat_text(x, 200, "done\n");
}

int main(int argc, char **argv)
{
    leat_app *app = leat_app_create();
    burn = number("BURN");
    die_after = number("DIE_AFTER");
    wrong_after = number("WRONG_AFTER");
    leat_get(app, "/", answer);
    return leat_main(app, argc, argv);
}
