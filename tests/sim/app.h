/* app.h: the program under simulation: a route for every way a response can be made.
 *
 * All contents are pieces of one table of octets, so that a client can tell what it must get by where it asked, and
 * comparing is one memcmp. Every response of a handler carries X-Token, the query parameter t of its request. */
#ifndef SIM_APP_H
#define SIM_APP_H

#include "leat/leat.h"
#include "server/shard.h"

enum {
    TABLE_SIZE = 1 << 20,
    TABLE_START_MAX = 4096, /* contents begin at 0 … this */
    POOL_OBJECT = 128,
    FIELD_VALUE = 200, /* octets of each field of /fields */
};

extern char sim_table[TABLE_SIZE];

void sim_table_fill(void);
/* GET /hello /sized/:n /borrow/:n /text/:n /file/:n /fields/:n /alloc/:n /status/:n /pool /silent /greedy /redirect /problem
 * /pieces/:n /filed/:n /prepared/:n, POST and PUT /echo; ?t= is the token, &at= where in the table the content begins. pool_count objects in all. */
leat_app *sim_app_create(uint32_t pool_count);
/* … and those that wait (app_waiting.c): GET /nap/:n /stream/:n /sized-stream/:n /family/:n, POST and PUT /receive /pipe
 * /closed/echo. */
void sim_app_wait(leat_app *app);
/* What /receive answers, from 0 on. */
uint32_t sim_sum(uint32_t sum, const char *bytes, size_t size);
/* Contents borrowed and not yet released. */
extern int64_t sim_borrowed;
/* Works are done at once, and come back by the shard's mailbox like all others. Before and after the shard is open. */
void sim_open_mailbox(struct shard *shard);
void sim_open_workers(struct shard *shard);
void sim_close_workers(struct shard *shard);
/* What a prepare function kept and was not told to let go of. */
extern int64_t sim_prepared;
/* simulation: the octets of a file. */
void sim_read_file(void *context, int file, uint64_t offset, char *out, size_t size);

#endif
