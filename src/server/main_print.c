/* main_print.c: help, version, plan, configuration, addresses, and single lines. See main_print.h. */
#include "server/main_print.h"

#include "server/layout.h"
#include "server/routes_print.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static void write_out(void *to, const char *text, size_t size)
{
    (void)to;
    fwrite(text, 1, size, stdout);
}

void leat__main_say(int fd, const char *name, const char *format, ...)
{
    char line[1024];
    va_list arguments;
    int start = snprintf(line, sizeof line / 2, "%s: ", name);
    size_t used = size_min((size_t)start, sizeof line / 2 - 1);
    va_start(arguments, format);
    int size = vsnprintf(line + used, sizeof line - used - 1, format, arguments);
    va_end(arguments);
    used += size_min(size > 0 ? (size_t)size : 0, sizeof line - used - 2);
    line[used++] = '\n';
    ssize_t written = write(fd, line, used);
    (void)written; /* nobody may be listening */
}

void leat__main_say_errors(const char *name, const struct effective *e, const char *errors)
{
    char line[768];
    while (*errors != '\0') {
        size_t size = strcspn(errors, "\n");
        leat__effective_respell(e, errors, size, line, sizeof line);
        if (size > 0)
            leat__main_say(STDERR_FILENO, name, "%s", line);
        errors += size + (errors[size] == '\n');
    }
}

int leat__main_flush(const char *name)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return MAIN_DONE;
    leat__main_say(STDERR_FILENO, name, "standard output: %s", strerror(errno));
    return MAIN_SYSTEM;
}

int leat__main_print_help(const struct program *program)
{
    printf("Usage: %s\n\n%s\n", program->usage, program->about);
    leat__options_help(program->extra, write_out, NULL);
    fputs(
        "\nSIGTERM and SIGINT drain: requests under way may end. A second one stops at once. "
        "SIGHUP\n"
        "opens the access log again and reads the configuration anew.\n"
        "Exit status: 0 a clean stop, 64 wrong usage, 69 an address can't be had, 70 a defect of\n"
        "ours, 71 the system refuses, 78 the configuration is wrong or does not fit.\n",
        stdout);
    return leat__main_flush(program->name);
}

int leat__main_print_version(const struct program *program)
{
    if (strcmp(program->name, "leat") == 0)
        puts("leat " LEAT_VERSION);
    else
        printf("%s, on Leat " LEAT_VERSION "\n", program->name);
    return leat__main_flush(program->name);
}

void leat__main_print_plan(const struct plan *plan, const struct options *options)
{
    if (options->json)
        leat__plan_print_json(plan, write_out, NULL);
    else
        leat__plan_print(plan, write_out, NULL);
    if (options->layout)
        leat__layout_print(write_out, NULL);
}

void leat__main_print_effective(const struct effective *e, const struct options *options,
                                const struct config *config)
{
    const struct options completed = {.config = *config};
    if (options->json)
        leat__effective_print_json(e, &completed, write_out, NULL);
    else
        leat__effective_print(e, &completed, write_out, NULL);
}

void leat__main_print_routes(leat_app *app, const struct options *options, const struct config *config)
{
    const leat_app *root = leat__app_root(app);
    if (options->json)
        leat__routes_print_json(stdout, root, config->content_max);
    else
        leat__routes_print(stdout, root, config->content_max);
}

void leat__main_tell_addresses(const leat_server *server, const char *name)
{
    char address[160];
    const char *why = leat__server_loop_why(server);
    uint32_t shards = leat__server_config(server)->shards;
    if (why[0] != '\0')
        printf("%s: epoll instead of io_uring: %s\n", name, why);
    printf("%s: listening on", name);
    for (size_t i = 0; leat__server_address(server, i, address, sizeof address); i++)
        printf(" %s", address);
    printf(", loop %s, %u shard%s\n", leat__server_loop_name(server), shards, shards == 1 ? "" : "s");
    if (leat__server_admin_address(server, address, sizeof address))
        printf(strncmp(address, "unix:", 5) == 0 ? "%s: live page on %s, path /leat/\n"
                                                 : "%s: live page on %s/leat/\n",
               name, address);
    fflush(stdout);
}
