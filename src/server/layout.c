/* layout.c: the rows of the structs that lie above memory: what a quiet connection holds and what an
 * active one borrows, in the order in which they lie. */
#include "server/layout.h"

#include "exchange/exchange.h"
#include "loop/slot.h"

static const struct layout_row rows[] = {
    LAYOUT_STRUCT(struct slot),
    LAYOUT_FIELD(struct slot, next),
    LAYOUT_FIELD(struct slot, prev),
    LAYOUT_FIELD(struct slot, fd),
    LAYOUT_FIELD(struct slot, generation),
    LAYOUT_FIELD(struct slot, deadline),
    LAYOUT_FIELD(struct slot, bucket),
    LAYOUT_FIELD(struct slot, state),
    LAYOUT_FIELD(struct slot, loop_flags),
    LAYOUT_FIELD(struct slot, exchange),
    LAYOUT_STRUCT(struct leat_exchange),
    LAYOUT_FIELD(struct leat_exchange, common),
    LAYOUT_FIELD(struct leat_exchange, bytes),
    LAYOUT_FIELD(struct leat_exchange, link),
    LAYOUT_FIELD(struct leat_exchange, output),
    LAYOUT_FIELD(struct leat_exchange, output_size),
    LAYOUT_FIELD(struct leat_exchange, flags),
    LAYOUT_FIELD(struct leat_exchange, route_result),
    LAYOUT_FIELD(struct leat_exchange, response),
    LAYOUT_FIELD(struct leat_exchange, arena),
    LAYOUT_FIELD(struct leat_exchange, path),
    LAYOUT_FIELD(struct leat_exchange, content),
    LAYOUT_FIELD(struct leat_exchange, room),
    LAYOUT_FIELD(struct leat_exchange, slot),
    LAYOUT_FIELD(struct leat_exchange, input),
    LAYOUT_FIELD(struct leat_exchange, match),
    LAYOUT_FIELD(struct leat_exchange, send),
    LAYOUT_FIELD(struct leat_exchange, chunked),
    LAYOUT_FIELD(struct leat_exchange, head),
};

void leat__layout_print(plan_write *write, void *to)
{
    size_t count;
    const struct layout_row *memory_rows = leat__memory_layout(&count);
    write(to, "\n", 1);
    leat__plan_print_layout(rows, COUNT_OF(rows), write, to);
    write(to, "\n", 1);
    leat__plan_print_layout(memory_rows, count, write, to);
}
