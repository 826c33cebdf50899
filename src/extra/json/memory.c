/* memory.c: the functions that Jansson allocates with.
 *
 * One pair for the process. Outside of a parse, and on all other threads, they are the functions that were there before.
 * Inside, pieces are cut from blocks of the exchange's arena: 8 octets of header with the piece's size, then the piece. Small
 * ones that are freed (every name is, once it has been copied) are used again; larger ones, a table or a buffer that has
 * grown, are let lie: each is half of what comes next. A piece over 2 KiB is a block of its own, without a header.
 *
 * A block is asked for by leat_reserve first, which tells whether the arena is over its bound or the memory in use.
 *
 * Jansson can't be told that there is none: in the middle of a token it ignores a NULL, and asserts a few lines later that
 * the last octet was kept (load.c, lex_unget_unsave), which ends the process. So it is left from inside malloc, by longjmp.
 * Nothing of it stays behind: what it made is in the arena, and it holds nothing else while it parses. */
#include "memory.h"
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    PIECE_HEADER = 8,
    PIECE_SINGLE = 2048, /* pieces above are blocks of their own */
    BLOCK_FIRST = 1024,
    BLOCK_SMALL = 4032, /* a chunk of an arena */
    BLOCK_LARGE = 65472,
    BLOCKS_SMALL = 16, /* so many first */
};

static json_malloc_t previous_malloc;
static json_free_t previous_free;
static _Thread_local struct parse_memory *parsing; /* NULL: nobody parses here */

/* ── Blocks ── */

static struct parse_block *take_block(struct parse_memory *m, size_t size, bool single)
{
    if (m->error == 0 && m->block_count == PARSE_BLOCKS)
        m->error = -E2BIG;
    if (m->error == 0)
        m->error = leat_reserve(m->x, size);
    char *memory = m->error == 0 ? leat_alloc(m->x, size) : NULL;
    if (memory == NULL)
        return NULL;
    struct parse_block *block = &m->blocks[m->block_count++];
    *block = (struct parse_block){memory, memory + size, single};
    return block;
}

static const struct parse_block *find_block(const struct parse_memory *m, const void *piece)
{
    uintptr_t at = (uintptr_t)piece;
    for (unsigned i = m->block_count; i > 0; i--)
        if (at >= (uintptr_t)m->blocks[i - 1].begin && at < (uintptr_t)m->blocks[i - 1].end)
            return &m->blocks[i - 1];
    return NULL;
}

static size_t next_block(const struct parse_memory *m)
{
    return m->block_count == 0             ? BLOCK_FIRST
           : m->block_count < BLOCKS_SMALL ? BLOCK_SMALL
                                           : BLOCK_LARGE;
}

/* ── Pieces ── */

static void *piece_alloc(struct parse_memory *m, size_t size)
{
    if (size > PIECE_SINGLE) {
        struct parse_block *block = take_block(m, size, true);
        return block != NULL ? block->begin : NULL;
    }
    size_t whole = (size + PIECE_HEADER + 15) & ~(size_t)15;
    struct parse_free **freed = whole / 16 < PARSE_CLASSES ? &m->freed[whole / 16] : NULL;
    if (freed != NULL && *freed != NULL) {
        struct parse_free *piece = *freed;
        *freed = piece->next;
        return piece;
    }
    if ((size_t)(m->end - m->at) < whole) {
        struct parse_block *block = take_block(m, next_block(m), false);
        if (block == NULL)
            return NULL;
        m->at = block->begin;
        m->end = block->end;
    }
    uint64_t header = whole;
    memcpy(m->at, &header, sizeof header);
    char *piece = m->at + PIECE_HEADER;
    m->at += whole;
    return piece;
}

static void piece_free(struct parse_memory *m, void *memory)
{
    uint64_t whole;
    memcpy(&whole, (char *)memory - PIECE_HEADER, sizeof whole);
    if (whole / 16 >= PARSE_CLASSES)
        return;
    struct parse_free *piece = memory;
    piece->next = m->freed[whole / 16];
    m->freed[whole / 16] = piece;
}

/* ── What Jansson calls ── */

static void *hook_malloc(size_t size)
{
    if (parsing == NULL)
        return previous_malloc(size);
    void *piece = piece_alloc(parsing, size);
    if (piece == NULL)
        longjmp(parsing->out, 1);
    return piece;
}

static void hook_free(void *memory)
{
    const struct parse_block *block = parsing != NULL ? find_block(parsing, memory) : NULL;
    if (block == NULL)
        previous_free(memory);
    else if (!block->single)
        piece_free(parsing, memory);
}

bool leat__parse_memory_is_used(void)
{
    json_malloc_t now_malloc;
    json_free_t now_free;
    json_get_alloc_funcs(&now_malloc, &now_free);
    return now_malloc == hook_malloc && now_free == hook_free;
}

void leat_json_use(void)
{
    if (leat__parse_memory_is_used())
        return;
    json_get_alloc_funcs(&previous_malloc, &previous_free);
    json_set_alloc_funcs(hook_malloc, hook_free);
    json_object_seed(0); /* reads the system's randomness: now, and not at the first request */
}

void leat__parse_memory_begin(struct parse_memory *m, leat_exchange *x)
{
    *m = (struct parse_memory){.x = x};
    parsing = m;
}

void leat__parse_memory_end(void)
{
    parsing = NULL;
}
