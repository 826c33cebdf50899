/* stack.c: see stack.h. */
#include "memory/stack.h"

size_t leat__stack_pool_footprint(size_t stride, size_t count)
{
    return stride * count + align_up(sizeof(uint32_t) * count, CACHE_LINE);
}

int leat__stack_pool_init(struct stack_pool *p, struct region *r, size_t stride, size_t count)
{
    *p = (struct stack_pool){.stride = (uint32_t)stride, .count = (uint32_t)count};
    if (count == 0)
        return 0;
    p->base = leat__region_take(r, stride * count, PAGE_SIZE_BYTES);
    p->next = leat__region_take(r, align_up(sizeof *p->next * count, CACHE_LINE), CACHE_LINE);
    int error = 0;
    for (size_t i = 0; i < count && error == 0; i++)
        error = leat__region_guard(p->base + i * stride, STACK_GUARD);
    return error;
}

static uint32_t pop(struct stack_pool *p, uint32_t *list)
{
    uint32_t index = *list - 1;
    *list = p->next[index];
    return index;
}

static bool fails_now(struct stack_pool *p)
{
    return p->fail_countdown != 0 && --p->fail_countdown == 0;
}

uint32_t leat__stack_acquire(struct stack_pool *p)
{
    uint32_t index;
    bool fails = fails_now(p);
    if (LIKELY(p->free != 0 && !fails)) {
        index = pop(p, &p->free);
    } else if (!fails && (p->cold != 0 || p->touched < p->count)) {
        index = p->cold != 0 ? pop(p, &p->cold) : p->touched++;
        p->warm++;
    } else {
        p->refused++;
        return STACK_NONE;
    }
    if (++p->in_use > p->recent_high) {
        p->recent_high = p->in_use;
        p->high = p->in_use > p->high ? p->in_use : p->high;
    }
    return index;
}

void leat__stack_release(struct stack_pool *p, uint32_t index)
{
    ASSERT_DEBUG(index < p->touched && p->in_use > 0);
    p->next[index] = p->free;
    p->free = index + 1;
    p->in_use--;
}

uint32_t leat__stack_of_guard(const struct stack_pool *p, const void *address)
{
    uintptr_t at = (uintptr_t)address - (uintptr_t)p->base;
    if (p->count == 0 || at >= (uintptr_t)p->stride * p->count || at % p->stride >= STACK_GUARD)
        return STACK_NONE;
    return (uint32_t)(at / p->stride);
}

size_t leat__stack_pool_trim(struct stack_pool *p, uint32_t keep, size_t budget)
{
    if (p->warm <= keep || p->fail_countdown != 0)
        return 0;
    uint32_t *at = &p->free;
    for (uint32_t stay = keep > p->in_use ? keep - p->in_use : 0; stay > 0 && *at != 0; stay--)
        at = &p->next[*at - 1];
    size_t size = p->stride - STACK_GUARD, given = 0;
    while (*at != 0 && given + size <= budget) {
        uint32_t index = *at - 1;
        *at = p->next[index];
        leat__region_drop(stack_low(p, index), size);
        p->next[index] = p->cold;
        p->cold = index + 1;
        p->warm--;
        given += size;
    }
    return given;
}

static uint32_t length_of(const struct stack_pool *p, uint32_t at)
{
    uint32_t length = 0;
    for (; at != 0; at = p->next[at - 1]) {
        ASSERT(at <= p->touched);
        ASSERT(length++ < p->touched);
    }
    return length;
}

void leat__stack_pool_check(const struct stack_pool *p)
{
    ASSERT(p->warm == p->in_use + length_of(p, p->free));
    ASSERT(p->touched == p->warm + length_of(p, p->cold) && p->touched <= p->count);
    ASSERT(p->in_use <= p->recent_high && p->recent_high <= p->high && p->high <= p->count);
}

void leat__stack_pool_fail_at(struct stack_pool *p, uint32_t n)
{
    p->fail_countdown = n;
}
