/* request_ids.c: an id for each request, to find it again in logs and in what is told to a client.
 *
 * Ids come from a generator for each thread (xoshiro256**), so that nothing is shared and the kernel is not asked: the
 * first use on a thread seeds it from what the kernel gave at start and from the thread's number. Two ids of 128 bits are
 * the same by accident about never; they are not secrets. */
#include "exchange/exchange.h"
#include "base/clock.h"
#include "base/digest.h"
#include "handler/middleware.h"

#include <stdatomic.h>
#include <sys/auxv.h>

enum { REQUEST_ID_MAX = 64, REQUEST_ID_SIZE = 32 };

struct request_ids {
    const char *field;
    bool ignore_given;
    uint8_t seed[32];
};

static const struct request_ids by_default = {.field = "X-Request-Id"};

/* ── The generator ── */

static _Thread_local uint64_t state[4]; /* all zero: not seeded */
static atomic_uint_fast64_t threads;

static void add_half(struct digest *d, uint64_t number, uint8_t half[DIGEST_SIZE])
{
    struct digest copy = *d;
    leat__digest_add(&copy, &number, sizeof number);
    leat__digest_end(&copy, half);
}

/* AT_RANDOM: 16 octets that the kernel gave this program when it began. */
static void seed_thread(const struct request_ids *ids)
{
    struct digest d;
    const void *given = (const void *)(uintptr_t)getauxval(AT_RANDOM);
    uint64_t thread = atomic_fetch_add(&threads, 1);
    int64_t now_ns = leat__clock_now_ns();
    uint8_t halves[2 * DIGEST_SIZE];
    leat__digest_init(&d);
    leat__digest_add(&d, ids->seed, sizeof ids->seed);
    if (given != NULL)
        leat__digest_add(&d, given, 16);
    leat__digest_add(&d, &now_ns, sizeof now_ns);
    add_half(&d, 2 * thread, halves);
    add_half(&d, 2 * thread + 1, halves + DIGEST_SIZE);
    memcpy(state, halves, sizeof state);
}

static uint64_t turn(uint64_t word, unsigned bits)
{
    return word << bits | word >> (64 - bits);
}

static uint64_t next_word(void)
{
    uint64_t word = turn(state[1] * 5, 7) * 9, third = state[1] << 17;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= third;
    state[3] = turn(state[3], 45);
    return word;
}

static void make_id(const struct request_ids *ids, char out[REQUEST_ID_SIZE + 1])
{
    static const char hex[] = "0123456789abcdef";
    if (UNLIKELY((state[0] | state[1] | state[2] | state[3]) == 0))
        seed_thread(ids);
    for (unsigned half = 0; half < 2; half++) {
        uint64_t word = next_word();
        for (unsigned i = 0; i < 16; i++, word >>= 4)
            out[16 * half + i] = hex[word & 15];
    }
    out[REQUEST_ID_SIZE] = '\0';
}

/* ── The middleware ── */

/* In the arena; NULL: no memory. */
static const char *find_id(leat_exchange *x, const struct request_ids *ids)
{
    leat_slice given = ids->ignore_given ? (leat_slice){NULL, 0} : leat_field(x, ids->field);
    bool is_sane = given.size > 0 && given.size <= REQUEST_ID_MAX &&
                   leat__http1_is_token(given.data, given.size);
    char *id = leat_alloc(x, (is_sane ? given.size : REQUEST_ID_SIZE) + 1);
    if (id == NULL)
        return NULL;
    if (is_sane) {
        memcpy(id, given.data, given.size);
        id[given.size] = '\0';
    } else {
        make_id(ids, id);
    }
    return id;
}

void leat_request_ids(leat_exchange *x)
{
    const struct request_ids *ids = leat_data(x) != NULL ? leat_data(x) : &by_default;
    struct exchange_notes *notes = leat__exchange_notes(x);
    const char *id = find_id(x, ids);
    if (notes != NULL && id != NULL) {
        notes->request_id = id;
        leat_field_set(x, ids->field, id);
    }
    leat_next(x);
}

void *leat_request_ids_create_sized(leat_app *app, const leat_request_ids_options *given, size_t given_size)
{
    leat_request_ids_options options;
    options_take(&options, sizeof options, given, given_size);
    const char *field = options.field ? options.field : by_default.field;
    if (!leat__middleware_is_name(app, "leat_request_ids", field))
        return NULL;
    struct request_ids *ids = leat__middleware_alloc(app, sizeof *ids);
    ids->field = leat__middleware_copy(app, field);
    ids->ignore_given = options.ignore_given;
    leat__middleware_random(ids->seed, sizeof ids->seed);
    return ids;
}
