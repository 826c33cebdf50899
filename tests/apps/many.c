/* many.c: more routes than the live page's frames have room for, for the end-to-end tests: 400 with names of a thousand octets,
 * some of which JSON must escape. */
#include <leat/leat.h>
#include <stdio.h>
#include <string.h>

static void hello(leat_exchange *x)
{
    leat_text(x, 200, "Hello\n");
}

int main(int argc, char **argv)
{
    leat_app *app = leat_app_create();
    for (int i = 0; i < 400; i++) {
        char name[900], pattern[1000];
        memset(name, 'a' + i % 26, sizeof name);
        name[sizeof name - 1] = '\0';
        snprintf(pattern, sizeof pattern, "/%03d\"\\é/%s", i, name);
        leat_get(app, pattern, hello);
    }
    return leat_main(app, argc, argv);
}
