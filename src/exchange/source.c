/* source.c: contents of requests that pass through something of a middleware's before anybody reads them.
 *
 * What a source makes is bounded as what comes is: a content of a few octets may stand for one of gigabytes. A route that
 * wants its content whole has it made whole here, in memory whose bound is reserved before the first octet. */
#include "exchange/exchange.h"
#include <errno.h>

int leat_source_set(leat_exchange *x, const leat_source *source, void *state)
{
    if (x->source != NULL)
        return -EBUSY;
    if (x->way.content == CONTENT_NONE)
        return -ENODATA;
    bool is_fresh = x->way.content == CONTENT_PENDING ||
                    (x->way.content == CONTENT_WHOLE && x->content_read == 0);
    if (!is_fresh)
        return -EALREADY;
    x->source = source;
    x->source_state = state;
    x->source_total = 0;
    return 0;
}

static int refuse(struct leat_exchange *x, int error)
{
    if (x->way.refused_status != 0 || x->way.content == CONTENT_BROKEN)
        return error;
    if (error == -EMSGSIZE)
        leat__exchange_refuse(x, 413, "The content is too large when it is decoded");
    else if (error == -EBADMSG)
        leat__exchange_refuse(x, 400, "The content can't be decoded");
    return error;
}

int64_t leat__source_read(struct leat_exchange *x, void *bytes, size_t size)
{
    if (x->way.refused_status != 0 || x->way.content == CONTENT_BROKEN || x->way.content == CONTENT_UNWANTED)
        return -ECONNRESET;
    if (size == 0)
        return 0;
    int64_t n = x->source->read(x, x->source_state, bytes, size);
    if (n < 0)
        return refuse(x, (int)n);
    x->source_total += (uint64_t)n;
    if (x->source_total > x->chunked.total_max)
        return refuse(x, -EMSGSIZE);
    return n;
}

/* All of it, at most size octets. */
static int64_t read_all(struct leat_exchange *x, char *bytes, size_t size)
{
    size_t total = 0;
    int64_t n;
    char more;
    while (total < size && (n = leat__source_read(x, bytes + total, size - total)) != 0) {
        if (n < 0)
            return n;
        total += (size_t)n;
    }
    n = total < size ? 0 : leat__source_read(x, &more, 1);
    return n < 0 ? n : n > 0 ? refuse(x, -EMSGSIZE) : (int64_t)total;
}

bool leat__source_collect(struct leat_exchange *x)
{
    struct content_store *store = &x->common->memory->content;
    if (x->way.content == CONTENT_BROKEN || x->way.content == CONTENT_UNWANTED)
        return true;
    size_t max = x->chunked.total_max;
    char *block = leat__content_acquire(store, max);
    if (block == NULL) {
        count_refusal(&x->common->counters->refused_content, EVENT_REFUSED_CONTENT, "content", x);
        leat__exchange_refuse(x, 503, "The memory for contents is in use");
        return false;
    }
    int64_t size = read_all(x, block, max);
    if (size < 0 || x->way.content == CONTENT_PENDING || x->way.content == CONTENT_READING) {
        leat__content_release(store, block);
        if (x->way.refused_status == 0)
            leat__exchange_refuse(x, 400, "The content did not come whole");
        return false;
    }
    if (x->content_block != NULL)
        leat__content_release(store, x->content_block);
    const struct leat_source *source = x->source;
    x->source = NULL;
    if (source->close != NULL)
        source->close(x, x->source_state);
    x->content = x->content_block = block;
    x->content_size = (uint64_t)size;
    x->content_read = 0;
    x->way.content = CONTENT_WHOLE;
    return true;
}
