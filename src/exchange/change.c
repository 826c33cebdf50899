/* change.c: responses that are whole, and changed by middleware before they are sent.
 *
 * What takes the place of a content lies where a content lies that was copied: in the arena, or, when it is large, in a
 * block of the content store. Both are asked in a way that remembers no refusal: a response that can't be changed is sent
 * as it was made. */
#include "exchange/exchange.h"
#include <errno.h>

static bool is_in_memory(const struct leat_exchange *x)
{
    const struct response *r = &x->response;
    return r->status != 0 && r->file < 0 && !(x->flags & X_PIECES) && x->way.stream == STREAM_NONE;
}

bool leat_response_content(leat_exchange *x, leat_slice *content)
{
    if (!is_in_memory(x))
        return false;
    *content = (leat_slice){x->response.content ? x->response.content : "", x->response.content_size};
    return true;
}

/* room octets; *block: they are one of the content store. NULL: there is no memory. */
static char *acquire_room(struct leat_exchange *x, size_t room, bool *block)
{
    *block = room + BUFFER_SLACK > PLAN_LARGE;
    if (*block)
        return leat__content_acquire(&x->common->memory->content, room);
    if (x->arena.overflow != ARENA_FINE || leat__arena_reserve(&x->arena, room) < 0)
        return NULL;
    return arena_alloc(&x->arena, room);
}

/* What is not used: all of it, or in the arena what lies behind size. */
static void return_room(struct leat_exchange *x, char *bytes, bool block, size_t size)
{
    if (block)
        leat__content_release(&x->common->memory->content, bytes);
    else if (bytes >= x->arena.first && bytes < x->arena.first_end && x->arena.end == x->arena.first_end)
        x->arena.at = bytes + align_up(size, 16);
}

int leat_response_rewrite(leat_exchange *x, size_t room,
                          int64_t (*make)(void *argument, leat_slice content, char *bytes, size_t size),
                          void *argument)
{
    struct response *r = &x->response;
    leat_slice content;
    bool block;
    if (!leat_response_content(x, &content))
        return -EPERM;
    char *bytes = acquire_room(x, room, &block);
    if (bytes == NULL)
        return -ENOMEM;
    int64_t size = make(argument, content, bytes, room);
    if (size < 0) {
        return_room(x, bytes, block, 0);
        return (int)size;
    }
    ASSERT((uint64_t)size <= room);
    if (block) {
        if (x->response_block != NULL)
            leat__content_release(&x->common->memory->content, x->response_block);
        x->response_block = bytes;
        x->flags |= X_HOLDS;
    }
    r->content = bytes;
    r->content_size = (uint64_t)size;
    return 0;
}

static int64_t copy_into(void *argument, leat_slice content, char *bytes, size_t size)
{
    (void)content;
    memcpy(bytes, argument, size);
    return (int64_t)size;
}

int leat_response_replace(leat_exchange *x, const void *bytes, size_t size)
{
    return leat_response_rewrite(x, size, copy_into, (void *)(uintptr_t)bytes);
}
