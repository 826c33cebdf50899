/* echo.c: gives back what it is given.
 *
 *     curl http://localhost:8080/ --data 'anything'      → anything
 *
 * HEAD is answered from GET, OPTIONS and "405 Method Not Allowed" come by themselves: a program only
 * says what it has. */
#include <leat/leat.h>

static void welcome(leat_exchange *x)
{
    leat_text(x, 200, "Send me something with POST or PUT.\n");
}

/* The content is here, whole and decoded, before the handler runs; what is too long was refused with
 * 413 on the way. leat_bytes copies it, so the request and the response need nothing of each other. */
static void echo(leat_exchange *x)
{
    leat_slice content = leat_content(x);
    leat_bytes(x, 200, "text/plain", content.data, content.size);
}

int main(int argc, char **argv)
{
    leat_app *app = leat_app_create();
    leat_get(app, "/", welcome);
    leat_post(app, "/", echo);
    leat_put(app, "/", echo);
    return leat_main(app, argc, argv);
}
