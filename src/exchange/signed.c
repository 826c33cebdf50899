/* signed.c: cookies that their clients can't make up.
 *
 *     VALUE.END.MAC       END: second of Unix time, 0: never ends; MAC: 22 letters of base64url (RFC 4648 5)
 *
 * The code is over the name, the value and the end, with a NUL between them, which none of them can hold: a cookie is good
 * for nothing under another name. Of several cookies of one name (a neighbouring subdomain can put its own beside ours) the
 * first that holds counts. */
#define _GNU_SOURCE /* memrchr, explicit_bzero */
#include "base/digest.h"
#include "exchange/cookies.h"
#include "memory/seal.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { KEY_MIN = 16, MAC_TEXT = 22, END_MAX = 18 };

struct cookie_key {
    char octets[DIGEST_KEY_MAX];
    size_t size;
};

struct leat_cookie_keys {
    size_t count;
    struct cookie_key keys[];
};

static void destroy_keys(void *thing)
{
    leat_cookie_keys *keys = thing;
    explicit_bzero(keys->keys, keys->count * sizeof keys->keys[0]);
    leat__start_free(keys);
}

leat_cookie_keys *leat_cookie_keys_create(leat_app *app, const char *const *keys)
{
    size_t count = 0;
    while (keys != NULL && keys[count] != NULL)
        count++;
    if (count == 0) {
        leat__app_error(app, "leat_cookie_keys_create: there is no key");
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(keys[i]);
        if (size < KEY_MIN || size > DIGEST_KEY_MAX) {
            leat__app_error(app, "leat_cookie_keys_create: key %zu has %zu octets; a key has %d to %d",
                            i + 1, size, KEY_MIN, DIGEST_KEY_MAX);
            return NULL;
        }
    }
    leat_cookie_keys *made = leat__start_alloc(sizeof *made + count * sizeof made->keys[0]);
    made->count = count;
    for (size_t i = 0; i < count; i++) {
        made->keys[i].size = strlen(keys[i]);
        memcpy(made->keys[i].octets, keys[i], made->keys[i].size);
    }
    leat__app_keep(app, made, destroy_keys);
    return made;
}

static void write_base64url(char out[MAC_TEXT], const uint8_t mac[DIGEST_SIZE])
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint32_t bits = 0, count = 0, at = 0;
    for (size_t i = 0; i < DIGEST_SIZE; i++) {
        bits = bits << 8 | mac[i];
        for (count += 8; count >= 6; count -= 6)
            out[at++] = letters[bits >> (count - 6) & 63];
    }
    out[at++] = letters[bits << (6 - count) & 63];
    ASSERT_DEBUG(at == MAC_TEXT);
}

static void sign(char out[MAC_TEXT], const struct cookie_key *key, const char *name,
                 struct http_text value, struct http_text end)
{
    static const char purpose[] = "leat cookie";
    struct digest d;
    uint8_t mac[DIGEST_SIZE];
    leat__digest_init_keyed(&d, key->octets, key->size);
    leat__digest_add(&d, purpose, sizeof purpose);
    leat__digest_add(&d, name, strlen(name) + 1);
    leat__digest_add(&d, value.data, value.size);
    leat__digest_add(&d, "", 1);
    leat__digest_add(&d, end.data, end.size);
    leat__digest_end(&d, mac);
    write_base64url(out, mac);
}

int leat_cookie_set_signed_sized(leat_exchange *x, const leat_cookie_keys *keys, const char *name,
                                 const char *value, const leat_cookie_options *options,
                                 size_t options_size)
{
    leat_cookie_options o = leat__cookie_options(options, options_size);
    char end[24], mac[MAC_TEXT];
    if (keys == NULL || name == NULL || value == NULL || o.max_age_s < 0 || o.max_age_s > INT32_MAX)
        return -EINVAL;
    int64_t end_s = o.max_age_s > 0 ? *x->common->now_s + o.max_age_s : 0;
    int end_size = snprintf(end, sizeof end, "%lld", (long long)end_s);
    sign(mac, &keys->keys[0], name, (struct http_text){value, strlen(value)},
         (struct http_text){end, (size_t)end_size});
    const char *all = leat_printf(x, "%s.%s.%.*s", value, end, MAC_TEXT, mac);
    return all != NULL ? leat_cookie_set(x, name, all, &o) : -ENOMEM;
}

/* What stands before the last dot, and what behind it. false: there is none. */
static bool split_last(struct http_text *text, struct http_text *behind)
{
    const char *dot = text->size > 0 ? memrchr(text->data, '.', text->size) : NULL;
    if (dot == NULL)
        return false;
    size_t size = (size_t)(dot - text->data);
    *behind = (struct http_text){dot + 1, text->size - size - 1};
    text->size = size;
    return true;
}

static bool has_ended(struct http_text end, int64_t now_s)
{
    int64_t end_s = 0;
    for (size_t i = 0; i < end.size; i++)
        end_s = end_s * 10 + (end.data[i] - '0');
    return end_s != 0 && end_s <= now_s;
}

/* text becomes the value alone. */
static bool holds(const leat_exchange *x, const leat_cookie_keys *keys, const char *name,
                  struct http_text *text)
{
    struct http_text mac, end;
    char right[MAC_TEXT];
    bool is_signed = false;
    if (!split_last(text, &mac) || !split_last(text, &end) || mac.size != MAC_TEXT ||
        end.size == 0 || end.size > END_MAX)
        return false;
    for (size_t i = 0; i < keys->count && !is_signed; i++) {
        sign(right, &keys->keys[i], name, *text, end);
        is_signed = leat__digest_same(right, mac.data, MAC_TEXT);
    }
    return is_signed && !has_ended(end, *x->common->now_s);
}

const char *leat_cookie_signed(leat_exchange *x, const leat_cookie_keys *keys, const char *name)
{
    struct pair_cursor cursor;
    struct http_text text;
    if (keys == NULL || !leat__cookies_are_few(x))
        return NULL;
    leat__pairs_begin(x, PAIRS_COOKIES, &cursor);
    while (leat__cookie_find(x, name, &cursor, &text))
        if (holds(x, keys, name, &text))
            return leat__exchange_copy(x, text, false, false);
    return NULL;
}
