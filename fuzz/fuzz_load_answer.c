/* fuzz_load_answer.c: any octets as what a server answers, to leat load. Whole, octet by octet and cut somewhere they must
 * come out the same, and so must they when heads are remembered from before. The first octet chooses what is wanted, the
 * second where the octets are cut; behind an answer the next one begins. */
#include "load/answer.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

enum { ANSWERS_MAX = 8 };

/* What is compared of an answer. */
struct outcome {
    enum answer_result result;
    size_t used;
    unsigned status, fault, minor;
    bool close;
    uint64_t size, differs_at;
    const char *why;
};

static enum answer_result feed(struct answer *a, const struct answer_wanted *wanted,
                               const uint8_t *data, size_t size, size_t step, size_t *taken)
{
    enum answer_result result = ANSWER_MORE;
    *taken = 0;
    while (*taken < size && result == ANSWER_MORE) {
        size_t piece = size_min(step, size - *taken), used = 0;
        char *copy = malloc(piece);
        must(copy != NULL);
        memcpy(copy, data + *taken, piece);
        result = leat__answer_feed(a, wanted, copy, piece, &used);
        must(used <= piece && (result != ANSWER_MORE || used == piece));
        free(copy);
        *taken += used;
    }
    return result;
}

/* Answers until one is bad, or the octets are over. */
static unsigned read_all(struct outcome *outcomes, const struct answer_wanted *wanted,
                         const uint8_t *data, size_t size, size_t step)
{
    unsigned count = 0;
    enum answer_result result = ANSWER_DONE;
    while (count < ANSWERS_MAX && result == ANSWER_DONE && size > 0) {
        struct answer a;
        memset(&a, 0xa5, sizeof a); /* what was there before does not matter */
        answer_begin(&a);
        struct outcome *o = &outcomes[count++];
        *o = (struct outcome){0};
        result = feed(&a, wanted, data, size, step, &o->used);
        data += o->used;
        size -= o->used;
        if (result == ANSWER_MORE)
            result = leat__answer_end(&a, wanted);
        must(result != ANSWER_MORE);
        o->result = result;
        if (result == ANSWER_BAD) {
            must(a.why != NULL);
            o->used = 0; /* a bad head is found at the same octet, a chunk at its piece */
            o->why = a.why;
            break;
        }
        must(a.status >= 200 && a.status <= 999);
        o->status = a.status;
        o->fault = a.fault;
        o->close = a.close;
        o->size = a.size;
        o->differs_at = a.fault == ANSWER_FAULT_CONTENT ? a.differs_at : 0;
    }
    return count;
}

static void compare(const struct outcome *a, unsigned a_count, const struct outcome *b, unsigned b_count)
{
    must(a_count == b_count);
    for (unsigned i = 0; i < a_count; i++) {
        must(a[i].result == b[i].result && a[i].used == b[i].used && a[i].why == b[i].why);
        must(a[i].status == b[i].status && a[i].fault == b[i].fault && a[i].close == b[i].close);
        must(a[i].size == b[i].size && a[i].differs_at == b[i].differs_at);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct answer_known known;
    struct outcome whole[ANSWERS_MAX], other[ANSWERS_MAX];
    if (size < 2)
        return 0;
    unsigned choice = data[0];
    struct answer_wanted wanted = {.content = choice & 1 ? "Hello, World!" : NULL,
                                   .size = 13,
                                   .checks_size = choice & 2,
                                   .status = choice & 4 ? 404 : 0,
                                   .no_content = choice & 8};
    size_t step = 1 + data[1];
    data += 2;
    size -= 2;
    unsigned count = read_all(whole, &wanted, data, size, size);
    compare(whole, count, other, read_all(other, &wanted, data, size, 1));
    compare(whole, count, other, read_all(other, &wanted, data, size, step));
    known.size = 0;
    wanted.known = &known;
    for (unsigned i = 0; i < 3; i++) /* forgets, remembers, recognises */
        compare(whole, count, other, read_all(other, &wanted, data, size, i == 2 ? step : size));
    return 0;
}
