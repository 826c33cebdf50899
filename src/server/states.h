/* states.h: what a program has of its own on every shard: its states (leat_on_shard), opened before the shard serves and
 * closed when all else has ended, and what it does every so often (leat_every_ms). All of it runs as tasks of the shard. */
#ifndef LEAT_STATES_H
#define LEAT_STATES_H

#include "exchange/app.h"
#include "server/shard.h"

/* On the shard's thread; turns its loop until all are open. root->state_count pointers at states are filled. 0; -ECANCELED:
 * one could not be opened (those before it are closed again). */
int leat__states_open(struct shard *shard, const leat_app *root, void **states);
/* The same the other way round, the last first. */
void leat__states_close(struct shard *shard, const leat_app *root);

/* Begins what root does every so often; on one shard. 0, -ENOMEM: too few stacks. */
int leat__states_begin_every(struct shard *shard, const leat_app *root);

/* The shard drains and serves nobody any more, or has to stop: tasks of the program's own are canceled, once. */
void leat__states_cancel(struct shard *shard);

#endif
