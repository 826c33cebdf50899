/* The cache against a model that knows everything: what is found is what was added, what is pinned stays where it is,
 * what is used outlives what is not, and whoever leaves is told, once. */
#include "memory_test.h"
#include "memory/cache.h"

enum { VALUE_MIN = 8, KEYS = 512, HEAD = (int)sizeof(struct cache_entry) };

struct fixture {
    struct region region;
    struct cache cache;
};

/* What a test's value begins with; the octets behind it follow from it. */
struct value {
    uint32_t key, version;
};

/* The model: of each key what is said to be in the cache, and the entry if it is pinned. */
struct model {
    bool there[KEYS];
    uint32_t version[KEYS];
    size_t size[KEYS];
    struct cache_entry *pinned[KEYS];
    uint32_t pinned_version[KEYS];
    size_t pinned_size[KEYS];
    uint32_t left[KEYS]; /* versions that have left, summed up */
    uint32_t sum[KEYS];  /* versions that were added, summed up */
};

static struct model model;

static void on_leave(void *argument, void *value)
{
    struct model *m = argument;
    struct value v;
    memcpy(&v, value, sizeof v);
    assert_true(v.key < KEYS);
    m->left[v.key] += v.version;
    if (m->version[v.key] == v.version)
        m->there[v.key] = false;
    assert_true(m->pinned[v.key] == NULL || m->pinned_version[v.key] != v.version);
}

static void open_cache(struct fixture *f, size_t size)
{
    size_t footprint = leat__cache_footprint(size);
    assert_int_equal(leat__region_create(&f->region, footprint, REGION_RESERVE), 0);
    leat__cache_init(&f->cache, &f->region, size);
    assert_int_equal(f->region.used, footprint);
    memset(&model, 0, sizeof model);
    f->cache.on_leave = on_leave;
    f->cache.argument = &model;
    leat__cache_check(&f->cache);
}

static void close_cache(struct fixture *f)
{
    leat__cache_check(&f->cache);
    leat__cache_clear(&f->cache);
    assert_int_equal(f->cache.count, 0);
    leat__cache_check(&f->cache);
    for (unsigned k = 0; k < KEYS; k++)
        assert_int_equal(model.left[k], model.sum[k]);
    leat__region_destroy(&f->region);
}

static void write_value(void *to, struct value v, size_t size)
{
    unsigned char *octets = to;
    memcpy(octets, &v, sizeof v);
    for (size_t i = sizeof v; i < size; i++)
        octets[i] = (unsigned char)(v.key * 7 + v.version * 13 + i);
}

static void assert_value(const void *at, struct value v, size_t size)
{
    const unsigned char *octets = at;
    assert_memory_equal(octets, &v, sizeof v);
    for (size_t i = sizeof v; i < size; i++)
        assert_int_equal(octets[i], (unsigned char)(v.key * 7 + v.version * 13 + i));
}

static size_t key_text(char text[64], uint32_t key)
{
    return (size_t)snprintf(text, 64, "%0*u.html", (int)(key % 16) + 1, key);
}

static struct cache_entry *find(struct fixture *f, uint32_t key)
{
    char text[64];
    size_t size = key_text(text, key);
    return leat__cache_find(&f->cache, leat__cache_hash(text, size), text, size);
}

static struct cache_entry *add(struct fixture *f, uint32_t key, size_t value_size)
{
    char text[64];
    size_t size = key_text(text, key);
    struct cache_entry *e = leat__cache_add(&f->cache, leat__cache_hash(text, size), text, size,
                                            value_size);
    if (e == NULL)
        return NULL;
    assert_int_equal((uintptr_t)cache_value(e) % 16, 0);
    model.there[key] = true;
    model.size[key] = value_size;
    model.sum[key] += ++model.version[key];
    write_value(cache_value(e), (struct value){key, model.version[key]}, value_size);
    return e;
}

static void pin(uint32_t key, struct cache_entry *e)
{
    cache_pin(e);
    model.pinned[key] = e;
    model.pinned_version[key] = model.version[key];
    model.pinned_size[key] = model.size[key];
}

static void unpin(struct fixture *f, uint32_t key)
{
    struct cache_entry *e = model.pinned[key];
    assert_value(cache_value(e), (struct value){key, model.pinned_version[key]}, model.pinned_size[key]);
    model.pinned[key] = NULL;
    cache_unpin(&f->cache, e);
}

static void look(struct fixture *f, uint32_t key)
{
    struct cache_entry *e = find(f, key);
    assert_int_equal(e != NULL, model.there[key]);
    if (e != NULL) {
        assert_int_equal(e->value_size, model.size[key]);
        assert_value(cache_value(e), (struct value){key, model.version[key]}, model.size[key]);
    }
}

static void step(struct fixture *f, uint64_t *seed, size_t value_max, uint32_t pins_max)
{
    uint32_t key = random_below(seed, KEYS), what = random_below(seed, 100);
    struct cache_entry *e;
    uint32_t pins = 0;
    for (unsigned k = 0; k < KEYS; k++)
        pins += model.pinned[k] != NULL;
    if (what < 40) {
        look(f, key);
    } else if (what < 75) {
        add(f, key, VALUE_MIN + random_below(seed, (uint32_t)value_max - VALUE_MIN));
    } else if (what < 80) {
        if ((e = find(f, key)) != NULL) {
            leat__cache_remove(&f->cache, e);
            model.there[key] = false;
            assert_null(find(f, key));
        }
    } else if (what < 90 && pins < pins_max && model.pinned[key] == NULL) {
        if ((e = find(f, key)) != NULL)
            pin(key, e);
    } else if (model.pinned[key] != NULL) {
        unpin(f, key);
    }
}

static void random_operations_agree_with_the_model(void **state)
{
    (void)state;
    static const struct {
        size_t cache, value_max;
        uint32_t pins_max;
    } worlds[] = {{4096, 200, 3},    {4096, 1000, 2},     {16384, 4000, 8},     {65536, 300, 100},
                  {65536, 16000, 5}, {1 << 20, 9000, 40}, {1 << 20, 70000, 10}, {32 * 33, 100, 1}};
    for (unsigned w = 0; w < COUNT_OF(worlds); w++) {
        struct fixture f;
        uint64_t seed = 0x9e3779b97f4a7c15u + w;
        open_cache(&f, worlds[w].cache);
        for (int i = 0; i < 20000; i++) {
            step(&f, &seed, worlds[w].value_max, worlds[w].pins_max);
            if (i % 16 == 0)
                leat__cache_check(&f.cache);
        }
        assert_true(f.cache.evictions > 0 && f.cache.hits > 0 && f.cache.misses > 0);
        for (uint32_t k = 0; k < KEYS; k++) {
            look(&f, k);
            if (model.pinned[k] != NULL)
                unpin(&f, k);
        }
        close_cache(&f);
    }
}

static void what_fits_is_found_and_what_does_not_is_refused(void **state)
{
    (void)state;
    struct fixture f;
    open_cache(&f, 4096);
    assert_non_null(add(&f, 1, 1024 - HEAD - 32));
    assert_null(add(&f, 2, 1024));
    assert_null(add(&f, 2, SIZE_MAX));
    assert_null(find(&f, 2));
    look(&f, 1);
    close_cache(&f);
}

static void without_memory_nothing_is_found_or_added(void **state)
{
    (void)state;
    struct cache c;
    assert_int_equal(leat__cache_footprint(0), 0);
    leat__cache_init(&c, NULL, 0);
    assert_null(leat__cache_find(&c, 1, "a", 1));
    assert_null(leat__cache_add(&c, 1, "a", 1, 1));
    leat__cache_clear(&c);
    leat__cache_check(&c);
}

static void the_oldest_goes_first(void **state)
{
    (void)state;
    struct fixture f;
    open_cache(&f, 4096); /* 16 entries of 256 */
    for (uint32_t k = 0; k < 16; k++)
        assert_non_null(add(&f, k, 256 - HEAD - 32));
    assert_int_equal(f.cache.evictions, 0);
    add(&f, 16, 256 - HEAD - 32);
    assert_int_equal(f.cache.evictions, 1);
    look(&f, 0);
    assert_false(model.there[0]);
    assert_true(model.there[1]);
    close_cache(&f);
}

static void what_was_used_gets_a_second_chance_and_no_third(void **state)
{
    (void)state;
    struct fixture f;
    open_cache(&f, 4096);
    for (uint32_t k = 0; k < 16; k++)
        add(&f, k, 256 - HEAD - 32);
    assert_non_null(find(&f, 0));
    for (uint32_t k = 16; k < 30; k++)
        add(&f, k, 256 - HEAD - 32);
    assert_true(model.there[0]);
    for (uint32_t k = 1; k < 15; k++)
        assert_false(model.there[k]);
    for (uint32_t k = 30; k < 47; k++)
        add(&f, k, 256 - HEAD - 32);
    assert_false(model.there[0]);
    close_cache(&f);
}

static void a_pinned_entry_stays_while_the_ring_goes_on_around_it(void **state)
{
    (void)state;
    struct fixture f;
    open_cache(&f, 4096);
    for (uint32_t k = 0; k < 5; k++)
        add(&f, k, 300);
    pin(2, find(&f, 2));
    void *place = cache_value(model.pinned[2]);
    for (uint32_t k = 10; k < 200; k++) {
        assert_non_null(add(&f, k, 200 + k));
        leat__cache_check(&f.cache);
    }
    assert_ptr_equal(cache_value(find(&f, 2)), place);
    unpin(&f, 2);
    for (uint32_t k = 200; k < 240; k++)
        add(&f, k, 300);
    assert_false(model.there[2]);
    close_cache(&f);
}

static void when_everything_is_pinned_an_addition_is_refused(void **state)
{
    (void)state;
    struct fixture f;
    open_cache(&f, 4096);
    for (uint32_t k = 0; k < 16; k++)
        pin(k, add(&f, k, 256 - HEAD - 32));
    assert_null(add(&f, 20, 256));
    assert_int_equal(f.cache.refusals, 1);
    leat__cache_check(&f.cache);
    for (uint32_t k = 0; k < 16; k++)
        unpin(&f, k);
    assert_non_null(add(&f, 20, 256));
    close_cache(&f);
}

static void a_replaced_entry_leaves_when_its_last_pin_goes(void **state)
{
    (void)state;
    struct fixture f;
    open_cache(&f, 4096);
    pin(1, add(&f, 1, 100));
    add(&f, 1, 200);
    assert_int_equal(model.left[1], 0);
    look(&f, 1);
    unpin(&f, 1);
    assert_int_equal(model.left[1], 1); /* the first version */
    look(&f, 1);
    close_cache(&f);
}

static void one_addition_moves_a_bounded_number_of_bytes(void **state)
{
    (void)state;
    struct fixture f;
    open_cache(&f, 8 * CACHE_MOVE_MAX);
    uint32_t k = 0;
    for (; f.cache.evictions == 0; k++)
        add(&f, k, 16384 - HEAD - 64);
    for (uint32_t i = 1; i < k; i++)
        assert_non_null(find(&f, i));
    uint64_t before = f.cache.evictions;
    add(&f, k, 16384 - HEAD - 64);
    add(&f, k + 1, 16384 - HEAD - 64);
    assert_true(f.cache.evictions > before); /* though all were used */
    assert_true(model.there[k]);
    close_cache(&f);
}

static void a_standing_entry_leaves_with_the_cache_alone(void **state)
{
    (void)state;
    struct fixture f;
    open_cache(&f, 4096);
    struct cache_entry *e = add(&f, 0, 64);
    e->pins = CACHE_STANDING;
    for (uint32_t k = 1; k < 200; k++)
        add(&f, k, 300);
    assert_ptr_equal(find(&f, 0), e);
    assert_int_equal(model.left[0], 0);
    close_cache(&f);
    assert_int_equal(model.left[0], 1);
}

static void an_unused_cache_costs_no_page(void **state)
{
    (void)state;
    struct fixture f;
    open_cache(&f, 1 << 20);
    assert_int_equal(resident_pages(f.cache.base, 1 << 20), 0);
    add(&f, 1, 100);
    assert_int_equal(resident_pages(f.cache.base, 1 << 20), 1);
    close_cache(&f);
}

static void hashes_spread(void **state)
{
    (void)state;
    unsigned buckets[256] = {0}, highest = 0;
    char text[64];
    for (uint32_t k = 0; k < 256 * 32; k++) {
        size_t size = (size_t)snprintf(text, sizeof text, "/assets/image-%u.png", k);
        buckets[leat__cache_hash(text, size) & 255]++;
    }
    for (unsigned i = 0; i < 256; i++)
        highest = buckets[i] > highest ? buckets[i] : highest;
    assert_true(highest < 80);
    assert_true(leat__cache_hash("a", 1) != leat__cache_hash("a\0", 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_operations_agree_with_the_model),
        cmocka_unit_test(what_fits_is_found_and_what_does_not_is_refused),
        cmocka_unit_test(without_memory_nothing_is_found_or_added),
        cmocka_unit_test(the_oldest_goes_first),
        cmocka_unit_test(what_was_used_gets_a_second_chance_and_no_third),
        cmocka_unit_test(a_pinned_entry_stays_while_the_ring_goes_on_around_it),
        cmocka_unit_test(when_everything_is_pinned_an_addition_is_refused),
        cmocka_unit_test(a_replaced_entry_leaves_when_its_last_pin_goes),
        cmocka_unit_test(one_addition_moves_a_bounded_number_of_bytes),
        cmocka_unit_test(a_standing_entry_leaves_with_the_cache_alone),
        cmocka_unit_test(an_unused_cache_costs_no_page),
        cmocka_unit_test(hashes_spread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
