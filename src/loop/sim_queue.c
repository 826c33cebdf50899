/* sim_queue.c: the simulation's chance and its order of events: xoshiro256** and a binary heap that knows where each
 * event lies. Both are functions of the seed alone. */
#include "loop/sim_inside.h"

static uint64_t rotate(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

void leat__sim_random_init(struct sim_random *r, uint64_t seed)
{
    for (size_t i = 0; i < COUNT_OF(r->words); i++) {
        uint64_t z = seed += 0x9e3779b97f4a7c15u;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
        z = (z ^ z >> 27) * 0x94d049bb133111ebu;
        r->words[i] = z ^ z >> 31;
    }
}

uint64_t leat__sim_random_next(struct sim_random *r)
{
    uint64_t *w = r->words;
    uint64_t result = rotate(w[1] * 5, 7) * 9;
    uint64_t shifted = w[1] << 17;
    w[2] ^= w[0];
    w[3] ^= w[1];
    w[1] ^= w[2];
    w[0] ^= w[3];
    w[2] ^= shifted;
    w[3] = rotate(w[3], 45);
    return result;
}

static bool is_before(const struct sim_entry *a, const struct sim_entry *b)
{
    if (a->at_us != b->at_us)
        return a->at_us < b->at_us;
    if (a->tie != b->tie)
        return a->tie < b->tie;
    return a->event < b->event;
}

static void put_at(struct sim_queue *q, uint32_t at, struct sim_entry entry)
{
    q->heap[at] = entry;
    q->places[entry.event] = at + 1;
}

static void rise(struct sim_queue *q, uint32_t at, struct sim_entry entry)
{
    while (at > 0) {
        uint32_t parent = (at - 1) / 2;
        if (!is_before(&entry, &q->heap[parent]))
            break;
        put_at(q, at, q->heap[parent]);
        at = parent;
    }
    put_at(q, at, entry);
}

static void sink(struct sim_queue *q, uint32_t at, struct sim_entry entry)
{
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= q->count)
            break;
        if (child + 1 < q->count && is_before(&q->heap[child + 1], &q->heap[child]))
            child++;
        if (!is_before(&q->heap[child], &entry))
            break;
        put_at(q, at, q->heap[child]);
        at = child;
    }
    put_at(q, at, entry);
}

void leat__sim_queue_put(struct sim_queue *q, uint32_t event, int64_t at_us, uint32_t tie)
{
    struct sim_entry entry = {.at_us = at_us, .tie = tie, .event = event};
    uint32_t place = q->places[event];
    if (place == 0)
        rise(q, q->count++, entry);
    else if (at_us < q->heap[place - 1].at_us)
        rise(q, place - 1, entry);
}

void leat__sim_queue_remove(struct sim_queue *q, uint32_t event)
{
    uint32_t place = q->places[event];
    if (place == 0)
        return;
    q->places[event] = 0;
    struct sim_entry last = q->heap[--q->count];
    uint32_t at = place - 1;
    if (at == q->count)
        return;
    if (at > 0 && is_before(&last, &q->heap[(at - 1) / 2]))
        rise(q, at, last);
    else
        sink(q, at, last);
}

uint32_t leat__sim_queue_pop(struct sim_queue *q)
{
    uint32_t event = q->heap[0].event;
    leat__sim_queue_remove(q, event);
    return event;
}
