/* hello.c: the smallest service: two routes, and everything else is leat_main's: flags (try --help),
 * the memory plan, the threads, the signals.
 *
 *     cc hello.c -o hello $(pkg-config --cflags --libs leat) && ./hello
 *     curl http://localhost:8080/hello/you */
#include <leat/leat.h>

static void hello(leat_exchange *x)
{
    leat_text(x, 200, "Hello, World!");
}

static void greet(leat_exchange *x)
{
    leat_text(x, 200, "Hello, %s\n", leat_param(x, "name"));
}

int main(int argc, char **argv)
{
    leat_app *app = leat_app_create();
    leat_get(app, "/", hello);
    leat_get(app, "/hello/:name", greet);
    return leat_main(app, argc, argv);
}
