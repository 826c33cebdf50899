// hello.cc: examples/hello.c as someone who writes C++20 writes it: the installed header, a namespace, handlers that are
// functions without a name.
#include <leat/leat.h>

#include <string_view>

namespace
{
std::string_view view(leat_slice slice)
{
    return {slice.data, slice.size};
}
} // namespace

int main(int argc, char **argv)
{
    leat_app *app = leat_app_create();
    leat_get(app, "/", [](leat_exchange *x) { leat_text(x, 200, "Hello, World!"); });
    leat_get(app, "/hello/:name", [](leat_exchange *x) {
        if (view(leat_path(x)).starts_with("/hello/"))
            leat_text(x, 200, "Hello, %s\n", leat_param(x, "name"));
    });
    return leat_main(app, argc, argv);
}
