/* file_prepare.c: before the handler runs, the file that it will send is found, is known to be fresh, and its content (or
 * its descriptor) is at hand. All of it is a walk over a few steps that can stop at each and go on later:
 *
 *     find in the cache ── fresh ───────────────────────────────────────┐
 *       │ not there, or last looked at too long ago                     │
 *     look up ── would wait ── a work looks up ──┐                      │
 *       │←───────────────────────────────────────┘                      │
 *       ├── the same version as in the cache ───────────────────────────┤
 *     read into the cache ── would wait ── a work reads ──┐             │
 *       │←────────────────────────────────────────────────┘             ↓
 *       └── read, and the same version before and after ───────────── ready
 *
 * A twin is found by the same walk, once more, after its original. A file that changes while we read it is looked up
 * again, a few times. Nothing on this way waits when it runs on the loop; what has no workers (a simulation, or a handler
 * that was called without its prepare function) waits where it is.
 *
 * What must always be true: what p->entry, p->loading and p->place name is pinned, by us; let_go undoes it, whenever the
 * exchange ends. */
#include "handler/file_prepare.h"
#include "handler/listing.h"

#include "loop/file.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { CONFIRM_MAX = 8, TRIES_MAX = 6, WARM_MAX = 1 << 20, PATIENCE_MS = 5000 };

struct file_work {
    struct work work;
    struct lookup lookup;
    /* reading */
    int fd;
    char *to;
    struct file_identity identity;
    int error;
};

_Static_assert(sizeof(struct file_work) <= PLAN_WORK, "a work has room for what a lookup says");

static struct cache *cache_of(const struct leat_exchange *x)
{
    return &x->common->memory->file_cache;
}

/* ── Letting go ── */

static void drop_file(struct leat_exchange *x, struct prepared *p)
{
    if (p->place != NULL)
        p->place->pins--;
    if (p->entry != NULL)
        cache_unpin(cache_of(x), p->entry);
    if (p->owns_fd)
        close(p->fd);
    p->place = NULL;
    p->entry = NULL;
    p->fd = -1;
    p->owns_fd = false;
    p->bytes = NULL;
}

static void drop_loading(struct leat_exchange *x, struct prepared *p)
{
    if (p->loading == NULL)
        return;
    if (!p->loading->dead)
        leat__cache_remove(cache_of(x), p->loading);
    cache_unpin(cache_of(x), p->loading);
    p->loading = NULL;
}

static void drop_lookup(struct prepared *p)
{
    if (p->has_lookup && p->lookup.fd >= 0)
        close(p->lookup.fd);
    p->has_lookup = false;
}

static void let_go(struct leat_exchange *x, void *prepared)
{
    struct prepared *p = prepared;
    if (UNLIKELY(p->has_lookup))
        drop_lookup(p);
    if (UNLIKELY(p->loading != NULL))
        drop_loading(x, p);
    drop_file(x, p);
}

/* NULL: no memory. */
static struct prepared *begin(struct leat_exchange *x, struct leat_files *files, const char *path)
{
    struct prepared *p = arena_alloc(&x->arena, sizeof *p);
    if (p == NULL)
        return NULL;
    memset(p, 0, offsetof(struct prepared, lookup));
    p->files = files;
    p->path = path;
    p->path_size = strlen(path);
    p->fd = -1;
    p->may_wait = x->common->workers == NULL;
    if (!leat__prepared_conditions(x, &p->conditions))
        return NULL;
    leat__exchange_keep(x, p, let_go);
    return p;
}

/* ── Works ── */

static void run_lookup(struct work *work)
{
    struct file_work *w = (struct file_work *)(void *)work;
    leat__file_lookup(&w->lookup);
    if (w->lookup.result == LOOKUP_LIST)
        leat__listing_warm(w->lookup.fd);
    if (w->lookup.result == LOOKUP_FILE && w->lookup.fd >= 0) {
        leat__file_await_quiet(w->lookup.fd);
        leat__file_warm(w->lookup.fd, 0, size_min(w->lookup.identity.size, WARM_MAX));
    }
}

static void lookup_done(struct leat_exchange *x, struct work *work)
{
    const struct file_work *w = (const struct file_work *)(const void *)work;
    if (x == NULL) {
        if (w->lookup.fd >= 0)
            close(w->lookup.fd);
        return;
    }
    struct prepared *p = x->prepared;
    p->lookup = w->lookup;
    p->has_lookup = true;
}

static void run_read(struct work *work)
{
    struct file_work *w = (struct file_work *)(void *)work;
    w->error = leat__file_read(w->fd, w->to, &w->identity, true);
}

static void read_done(struct leat_exchange *x, struct work *work)
{
    const struct file_work *w = (const struct file_work *)(const void *)work;
    if (x == NULL)
        return;
    struct prepared *p = x->prepared;
    p->read_error = w->error;
    p->has_content = true;
}

/* ── The walk ── */

/* What a step comes to. */
enum walk { WALK_ON, WALK_READY, WALK_WAIT };

static enum walk end_with(struct prepared *p, enum prepared_kind kind, int status)
{
    p->kind = (uint8_t)kind;
    p->status = status;
    return WALK_READY;
}

/* From the start, because the file has changed under our hands. */
static enum walk again(struct leat_exchange *x, struct prepared *p)
{
    drop_loading(x, p);
    drop_file(x, p);
    return ++p->tries < TRIES_MAX ? WALK_ON : end_with(p, PREPARED_STATUS, 503);
}

static enum walk take_entry(struct leat_exchange *x, struct prepared *p, struct cache_entry *entry)
{
    p->entry = entry;
    cache_pin(entry);
    p->kept = kept_of(entry);
    if (p->kept->in_memory) {
        p->bytes = kept_content(p->kept);
    } else {
        p->place = leat__kept_descriptor(cache_of(x), p->kept);
        p->place->pins++;
        p->place->used = true;
        p->fd = p->place->fd;
    }
    return end_with(p, PREPARED_FILE, 200);
}

/* The file is ready: or its twin is what is wanted, and the walk begins again for that. */
static enum walk choose(struct leat_exchange *x, struct prepared *p)
{
    unsigned there = p->kept->there;
    if (LIKELY(p->coding != CODING_IDENTITY || there == 1u << CODING_IDENTITY || p->no_twins))
        return WALK_READY;
    enum http_coding coding = leat__prepared_choose(x, there);
    if (coding == CODING_IDENTITY)
        return WALK_READY;
    p->coding = (uint8_t)coding;
    p->how = p->kept->how;
    p->kind = PREPARED_NOTHING;
    drop_file(x, p);
    return WALK_ON;
}

static bool is_fresh(const struct leat_exchange *x, const struct kept_file *kept)
{
    uint32_t check_ms = x->common->file_check_ms;
    return check_ms == UINT32_MAX || *x->common->now_ms - kept->checked_ms < (int64_t)check_ms;
}

static void fill_lookup(const struct leat_exchange *x, const struct prepared *p, struct lookup *l,
                        bool may_wait)
{
    const struct http1_head *head = &x->head;
    l->files = p->files;
    l->path = p->path;
    l->path_size = p->path_size;
    l->may_wait = may_wait;
    l->coding = (enum http_coding)p->coding;
    l->how = (enum file_how)p->how;
    l->may_clean = p->files->clean_urls && !p->is_fallback &&
                   leat__file_path_unclean(p->files, x->bytes + head->path_at, head->path_size) > 0;
}

/* A work; where all are under way, we come back soon, for as long as a client may be kept waiting: then it is 503. */
static struct file_work *take_work(struct leat_exchange *x, struct prepared *p, enum walk *otherwise)
{
    int64_t now_ms = *x->common->now_ms;
    if (p->since_ms == 0)
        p->since_ms = now_ms;
    bool is_patient = now_ms - p->since_ms < PATIENCE_MS;
    struct work *work = is_patient ? pool_acquire(&x->common->memory->works) : leat__exchange_work(x);
    if (work == NULL && is_patient) {
        x->flags |= X_RETRY;
        *otherwise = WALK_WAIT;
    } else if (work == NULL) {
        *otherwise = end_with(p, PREPARED_STATUS, 503);
    }
    return (struct file_work *)(void *)work;
}

static enum walk begin_lookup_work(struct leat_exchange *x, struct prepared *p)
{
    enum walk otherwise;
    struct file_work *w = take_work(x, p, &otherwise);
    if (w == NULL)
        return otherwise;
    fill_lookup(x, p, &w->lookup, true);
    leat__exchange_submit(x, &w->work, run_lookup, lookup_done);
    return WALK_WAIT;
}

static enum walk begin_read_work(struct leat_exchange *x, struct prepared *p)
{
    enum walk otherwise;
    struct file_work *w = take_work(x, p, &otherwise);
    if (w == NULL)
        return otherwise;
    w->fd = p->fd;
    w->identity = kept_of(p->loading)->identity;
    w->to = kept_content(kept_of(p->loading));
    leat__exchange_submit(x, &w->work, run_read, read_done);
    return WALK_WAIT;
}

/* There is no such file: the fallback, or nothing. */
static enum walk miss(struct leat_exchange *x, struct prepared *p, int error)
{
    if (p->coding != CODING_IDENTITY) { /* it has gone since its original was looked at */
        p->coding = CODING_IDENTITY;
        p->no_twins = true;
        return WALK_ON;
    }
    int status = leat__files_status_of(error);
    if (status != 404 || p->files->fallback == NULL || p->is_fallback ||
        !leat__prepared_wants_page(x, p->path, p->path_size))
        return end_with(p, PREPARED_STATUS, status);
    p->is_fallback = true;
    p->path = p->files->fallback;
    p->path_size = strlen(p->path);
    return WALK_ON;
}

/* Content is in p->loading, whole, and of one version. */
static enum walk loaded(struct leat_exchange *x, struct prepared *p)
{
    struct cache_entry *entry = p->loading;
    p->loading = NULL;
    kept_of(entry)->ready = true;
    drop_file(x, p);
    enum walk walk = take_entry(x, p, entry);
    cache_unpin(cache_of(x), entry);
    return walk;
}

/* The file at p->fd into p->loading. */
static enum walk read_content(struct leat_exchange *x, struct prepared *p)
{
    int error = p->has_content ? p->read_error
                               : leat__file_read(p->fd, kept_content(kept_of(p->loading)),
                                                 &kept_of(p->loading)->identity, p->may_wait);
    bool by_work = p->has_content;
    p->has_content = false;
    if (error == 0)
        return loaded(x, p);
    if (error == -EAGAIN && !by_work && !p->may_wait)
        return begin_read_work(x, p);
    if (error == -ESTALE || error == -EAGAIN)
        return again(x, p);
    return end_with(p, PREPARED_STATUS, leat__files_status_of(error));
}

/* A file that can't be kept: it is described in the arena, and sent from its descriptor, which is ours. */
static enum walk take_unkept(struct leat_exchange *x, struct prepared *p,
                             const struct kept_file *kept, const char *lines)
{
    p->kept = arena_alloc(&x->arena, kept_size(kept->lines_size));
    if (p->kept == NULL)
        return end_with(p, PREPARED_STATUS, 503);
    *p->kept = *kept;
    memcpy(p->kept->lines, lines, kept->lines_size);
    return end_with(p, PREPARED_FILE, 200);
}

/* The file that has just been looked up, at p->fd, comes into the cache. */
static enum walk load(struct leat_exchange *x, struct prepared *p, const struct kept_key *key)
{
    struct kept_file kept;
    char lines[FILE_LINES_MAX];
    leat__kept_describe(&kept, lines, &p->lookup, *x->common->now_s);
    kept.checked_ms = *x->common->now_ms;
    kept.in_memory = kept.identity.size <= FILE_IN_MEMORY_MAX;
    size_t content_size = kept.in_memory ? kept.identity.size : 0;
    struct cache_entry *entry = leat__kept_add(cache_of(x), key, &kept, lines, content_size);
    if (entry == NULL)
        return take_unkept(x, p, &kept, lines);
    cache_pin(entry);
    p->loading = entry;
    if (kept.in_memory)
        return read_content(x, p);
    struct open_file *place = leat__kept_hand_over(x->common->memory, kept_of(entry), p->fd);
    if (place == NULL) {
        drop_loading(x, p);
        return take_unkept(x, p, &kept, lines);
    }
    p->owns_fd = false;
    enum walk walk = loaded(x, p);
    place->pins--;
    return walk;
}

/* The version is still the one in the cache. A tag that was weak because the file was young may be strong now. */
static bool confirms(const struct kept_file *kept, const struct lookup *l)
{
    return leat__file_is_same(&kept->identity, &l->identity) && kept->there == l->there && !kept->weak;
}

/* What the lookup says, in p->lookup. entry: what is kept under the key; NULL: nothing. */
static enum walk use_lookup(struct leat_exchange *x, struct prepared *p, const struct kept_key *key,
                            struct cache_entry *entry)
{
    struct lookup *l = &p->lookup;
    p->has_lookup = false;
    if (entry != NULL && l->result != LOOKUP_FILE && l->error != -EAGAIN)
        leat__cache_remove(cache_of(x), entry);
    switch (l->result) {
    case LOOKUP_FILE:
        if (entry != NULL && confirms(kept_of(entry), l)) {
            close(l->fd);
            kept_of(entry)->confirmed = 0;
            kept_of(entry)->checked_ms = *x->common->now_ms;
            return take_entry(x, p, entry);
        }
        if (!l->may_wait && !leat__file_is_quiet(&l->identity)) {
            close(l->fd);
            return begin_lookup_work(x, p); /* which waits until it is */
        }
        p->fd = l->fd;
        p->owns_fd = true;
        return load(x, p, key);
    case LOOKUP_LIST:
        if (!l->may_wait) { /* reading a folder waits for the disk wherever it is not in memory */
            close(l->fd);
            return begin_lookup_work(x, p);
        }
        p->fd = l->fd;
        p->owns_fd = true;
        return end_with(p, PREPARED_LIST, 200);
    case LOOKUP_FOLDER:
        return end_with(p, PREPARED_FOLDER, 301);
    case LOOKUP_CLEAN:
        return end_with(p, PREPARED_CLEAN, 301);
    default:
        return miss(x, p, l->error);
    }
}

/* Mostly nothing has changed, and the name alone tells: twins, and other files that the path could mean by now, are looked
 * for at every ninth check, or at each when every request checks. */
static bool is_confirmed(const struct leat_exchange *x, const struct prepared *p, struct kept_file *kept)
{
    struct file_identity now;
    if (kept->weak || kept->confirmed >= CONFIRM_MAX || x->common->file_check_ms == 0 ||
        leat__file_confirm(&p->lookup, (enum file_how)kept->how, &now) < 0 ||
        !leat__file_is_same(&kept->identity, &now))
        return false;
    kept->confirmed++;
    kept->checked_ms = *x->common->now_ms;
    return true;
}

static enum walk look_up(struct leat_exchange *x, struct prepared *p, const struct kept_key *key,
                         struct cache_entry *entry)
{
    if (!p->has_lookup) {
        fill_lookup(x, p, &p->lookup, p->may_wait);
        if (entry != NULL && is_confirmed(x, p, kept_of(entry)))
            return take_entry(x, p, entry);
        leat__file_lookup(&p->lookup);
        if (p->lookup.result == LOOKUP_FAILED && p->lookup.error == -EAGAIN && !p->may_wait)
            return begin_lookup_work(x, p);
    }
    return use_lookup(x, p, key, entry);
}

static enum walk find(struct leat_exchange *x, struct prepared *p)
{
    struct kept_key key;
    if (p->loading != NULL)
        return read_content(x, p);
    if (!leat__kept_key(&key, p->files, p->path, p->path_size, (enum http_coding)p->coding))
        return end_with(p, PREPARED_STATUS, 404);
    struct cache_entry *entry = leat__kept_find(cache_of(x), &key);
    if (LIKELY(entry != NULL && is_fresh(x, kept_of(entry)) && !p->has_lookup))
        return take_entry(x, p, entry);
    if (!p->is_fallback && !leat__files_is_servable(p->path))
        return end_with(p, PREPARED_STATUS, 404);
    return look_up(x, p, &key, entry);
}

static enum prepare_result walk(struct leat_exchange *x, struct prepared *p)
{
    if (p->files->bundle != NULL) {
        end_with(p, PREPARED_BUNDLE, 200);
        return PREPARE_READY;
    }
    for (;;) {
        enum walk next = find(x, p);
        if (next == WALK_READY && p->kind == PREPARED_FILE)
            next = choose(x, p);
        if (next == WALK_READY)
            return PREPARE_READY;
        if (next == WALK_WAIT)
            return PREPARE_WAIT;
    }
}

enum prepare_result leat__files_prepare_path(leat_exchange *x, struct leat_files *files, const char *path)
{
    struct prepared *p = x->prepared;
    if (LIKELY(!(x->flags & X_PREPARED))) {
        p = begin(x, files, path);
        if (p == NULL)
            return PREPARE_READY; /* no memory, which the exchange remembers and answers */
    } else if (p->kind != PREPARED_NOTHING) {
        return PREPARE_READY;
    }
    return walk(x, p);
}

enum prepare_result leat__files_prepare_named(leat_exchange *x, struct leat_files *files, const char *name)
{
    struct prepared *p = x->flags & X_PREPARED ? x->prepared : begin(x, files, name);
    if (p == NULL)
        return PREPARE_READY;
    p->is_fallback = true;
    p->may_wait |= !leat__exchange_may_wait(x);
    return p->kind != PREPARED_NOTHING ? PREPARE_READY : walk(x, p);
}

struct prepared *leat__prepared_of(leat_exchange *x, struct leat_files *files)
{
    if (LIKELY(x->flags & X_PREPARED))
        return x->prepared;
    struct prepared *p = begin(x, files, leat_param(x, "path"));
    if (p == NULL)
        return NULL;
    p->may_wait = true;
    enum prepare_result result = walk(x, p);
    ASSERT(result == PREPARE_READY);
    return p;
}

enum prepare_result leat__files_prepare(leat_exchange *x, void *files)
{
    if (x->flags & X_PREPARED)
        return leat__files_prepare_path(x, files, NULL);
    return leat__files_prepare_path(x, files, leat_param(x, "path"));
}
