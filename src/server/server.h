/* server.h: what leat_main and the command know of a server beyond leat.h. */
#ifndef LEAT_SERVER_H
#define LEAT_SERVER_H

#include "leat/leat.h"
#include "memory/plan.h"
#include "observe/counters.h"
#include "config/config.h"

struct listeners;
struct deepest;

/* As leat_server_create, from a config (copied; its texts must live on). The config is completed from the machine, the
 * routes are compiled and the plan is made here; errors are told by leat_server_error, a line each, and by start. */
leat_server *leat__server_create(leat_app *app, const struct config *config);

/* The plan of this very process: also one that does not fit, for people to look at; NULL when there is none. */
const struct plan *leat__server_plan(const leat_server *server);
const struct config *leat__server_config(const leat_server *server);
/* Parsed and with their settings complete, as far as they were well formed; open after start. */
const struct listeners *leat__server_listeners(const leat_server *server);

/* "io_uring" or "epoll", after start. */
const char *leat__server_loop_name(const leat_server *server);
/* Why io_uring was not taken, when auto fell back to epoll; "" else. */
const char *leat__server_loop_why(const leat_server *server);

/* "http://127.0.0.1:8080", "unix:/path": of the i-th bound listener (after start); false when there is no i-th. */
/* The admin listener's first; false: there is none. */
bool leat__server_admin_address(const leat_server *server, char *out, size_t size);
bool leat__server_address(const leat_server *server, size_t i, char *out, size_t size);

/* The exit status for a failed create or start (leat.h, leat_main). */
int leat__server_exit_status(const leat_server *server);

/* Opens the access log anew, after a rotation. 0 or -errno; nothing happens without a log. No allocation. */
int leat__server_reopen_logs(leat_server *server);

/* Applies the rows of config that may change while we serve (options.def: live), in every shard's next turn; no allocation.
 * One caller at a time. */
void leat__server_apply(leat_server *server, const struct config *config);

/* Whether every shard has turned since the last call; asks for the next sign of life. For a watchdog. */
bool leat__server_alive(leat_server *server);

/* Sums over the shards; exact once the server has stopped. */
void leat__server_counts(const leat_server *server, struct counters *sum);

/* How deep handlers went on their stacks: of the deepest route, once the server has stopped; and of one route (a number of
 * struct routes; below routes->count), in bytes, while it runs. */
const struct deepest *leat__server_deepest(const leat_server *server);
uint32_t leat__server_depth_of_route(const leat_server *server, uint32_t number);

/* What the admin listener tells of the doctor: JSON, or NULL. Before the start; it stays the caller's, and must stay. */
void leat__server_set_doctor(leat_server *server, const char *json);

/* /readyz says from now on that nothing more should be sent; everything else goes on. */
void leat__server_leave(leat_server *server);

/* drain: stop accepting, end what is under way; returns at once. stop_now: close everything; returns at once.
 * leat_server_stop waits for the threads after either (and drains when neither was called). */
void leat__server_drain(leat_server *server);
void leat__server_stop_now(leat_server *server);
/* True once all shards have ended (after drain or stop_now). */
bool leat__server_ended(const leat_server *server);

#endif
