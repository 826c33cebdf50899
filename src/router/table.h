/* table.h: the compiled table, as it lies in memory.
 *
 *     router | slots | nodes | edges | leaves | routes | names | text
 *
 * Everything refers by index or by offset from the table's start; only the names are pointers,
 * because a match hands them out, so a table stays where it was compiled.
 *
 *   slot   one wholly static pattern, found by the hash of the whole path (open addressing, at most
 *          half full, so the longest search is short and the path can't lengthen it)
 *   node   one distinct beginning of patterns, as deep as it has segments; node 0 has none
 *   edge   a static segment from a node to the next; sorted, contiguous for each node
 *   leaf   one shape, with its routes by method; leaf 0 is nobody's and has none
 *   route  one method of one shape */
#ifndef LEAT_ROUTER_TABLE_H
#define LEAT_ROUTER_TABLE_H

#include "router/router.h"

enum { LEAF_NONE = 0, NODE_NONE = 0, ROUTE_NONE = 0xff };

/* All that a wholly static path needs, but for the value, in half a cache line. */
struct slot {
    uint64_t key; /* segment_key of a text of at most 8 octets, else its last 8 */
    uint32_t text;
    uint16_t size;    /* 0: empty */
    uint16_t allowed; /* of every pattern that matches this path */
    uint32_t routes;  /* as in its leaf */
    uint8_t nth[HTTP_METHOD_COUNT + 1];
};

struct node {
    uint32_t edges, edge_count;
    uint32_t param; /* node, or NODE_NONE */
    uint32_t leaf;  /* of patterns that end here */
    uint32_t rest;  /* leaf of the pattern that takes all that is left */
};

struct edge {
    uint64_t key; /* segment_key */
    uint32_t text;
    uint32_t node;
    uint16_t size;
};

struct leaf {
    uint32_t routes;
    uint16_t methods;                   /* bits, HEAD where GET is */
    uint8_t nth[HTTP_METHOD_COUNT + 1]; /* which of routes answers a method, or ROUTE_NONE */
};

struct route {
    uint32_t value;
    uint32_t pattern; /* text, its names ended by NUL where their slash was */
    uint32_t names;   /* index of the first */
    uint32_t param_count;
};

struct router {
    uint32_t slot_mask;
    uint32_t static_max;                                 /* size of the longest static pattern */
    uint32_t slots, nodes, edges, leaves, routes, names; /* offsets */
};

_Static_assert(sizeof(struct slot) == 32, "a slot is half a cache line");
_Static_assert(HTTP_METHOD_COUNT <= 15, "methods are bits of 16");
_Static_assert(ROUTER_PATTERN_MAX <= UINT16_MAX, "sizes have 16 bits");

static inline uint64_t load_64(const char *text)
{
    uint64_t value;
    memcpy(&value, text, sizeof value);
    return value;
}

static inline uint32_t load_32(const char *text)
{
    uint32_t value;
    memcpy(&value, text, sizeof value);
    return value;
}

/* Up to the first eight octets as a number, never reading past the text. Two texts of one size of
 * at most eight octets have the same key only if they are the same: shorter ones are covered by
 * loads that overlap. */
static inline uint64_t segment_key(const char *text, size_t size)
{
    if (size >= 8)
        return load_64(text);
    if (size >= 4)
        return load_32(text) | (uint64_t)load_32(text + size - 4) << 32;
    if (size == 0)
        return 0;
    return (uint64_t)(uint8_t)text[0] | (uint64_t)(uint8_t)text[size / 2] << 8 |
           (uint64_t)(uint8_t)text[size - 1] << 16;
}

static inline uint64_t hash_step(uint64_t hash, uint64_t octets)
{
    unsigned __int128 product = (unsigned __int128)(hash ^ octets) * 0x9e3779b97f4a7c15u;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* What a slot compares first: with the size, it is the whole of a short text. */
static inline uint64_t path_key(const char *path, size_t size)
{
    return size <= 8 ? segment_key(path, size) : load_64(path + size - 8);
}

static inline uint64_t path_hash(const char *path, size_t size, uint64_t key)
{
    uint64_t hash = size;
    for (size_t at = 0; at + 8 < size; at += 8)
        hash = hash_step(hash, load_64(path + at));
    return hash_step(hash, key);
}

/* Goes through the tree, without the slots. */
enum router_result leat__router_walk(const struct router *router, enum http_method method,
                                     const char *path, size_t path_size, struct router_match *match);

static inline const void *table_at(const struct router *router, uint32_t offset)
{
    return (const char *)router + offset;
}

#endif
