/* main_print.h: what leat_main says: before the seal by stdio, afterwards by write(2) from the stack. */
#ifndef LEAT_MAIN_PRINT_H
#define LEAT_MAIN_PRINT_H

#include "config/effective.h"
#include "server/main.h"
#include "server/server.h"

/* One line on descriptor fd, without stdio: "name: …\n". */
void leat__main_say(int fd, const char *name, const char *format, ...) LEAT_PRINTF(3, 4);

/* Every line of errors on standard error, behind the program's name; options are named as they were written. */
void leat__main_say_errors(const char *name, const struct effective *e, const char *errors);

/* These answer the exit status. */
int leat__main_flush(const char *name);
int leat__main_print_help(const struct program *program);
int leat__main_print_version(const struct program *program);

void leat__main_print_plan(const struct plan *plan, const struct options *options);
/* config: completed. */
void leat__main_print_effective(const struct effective *e, const struct options *options,
                                const struct config *config);
void leat__main_print_routes(leat_app *app, const struct options *options, const struct config *config);
void leat__main_tell_addresses(const leat_server *server, const char *name);

#endif
