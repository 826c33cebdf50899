/* admin.c: the admin listener's app, and what its server is told. See admin.h. */
#include "admin/admin.h"
#include "admin/live.h"
#include "admin/metrics_text.h"
#include "exchange/app.h"
#include "memory/seal.h"
#include "net/net.h"
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>

static bool reads_token(struct admin *admin, const char *path, char *error, size_t error_size)
{
    FILE *file = fopen(path, "re");
    size_t size = file != NULL ? fread(admin->token, 1, sizeof admin->token, file) : 0;
    int why = file == NULL || ferror(file) ? errno : 0;
    if (file != NULL)
        fclose(file);
    if (why != 0) {
        snprintf(error, error_size, "--admin-token-file %s: %s", path, strerror(why));
        return false;
    }
    admin->token[size < sizeof admin->token ? size : ADMIN_TOKEN_MAX] = '\0';
    size_t line = strcspn(admin->token, "\r\n");
    if (line == 0 || line == ADMIN_TOKEN_MAX ||
        strspn(admin->token,
               "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=") < line) {
        snprintf(error, error_size,
                 "--admin-token-file %s: its first line is no token; write 1 to %d letters, "
                 "digits, or -._~+/=, for "
                 "example of `openssl rand -hex 32`",
                 path, ADMIN_TOKEN_MAX - 1);
        return false;
    }
    admin->token[line] = '\0';
    return true;
}

/* Only processes of this machine reach it. */
static bool is_private(const struct net_address *address)
{
    const struct sockaddr_in *in = (const void *)&address->sockaddr;
    const struct sockaddr_in6 *in6 = (const void *)&address->sockaddr;
    switch (address->sockaddr.ss_family) {
    case AF_UNIX:
        return true;
    case AF_INET:
        return ntohl(in->sin_addr.s_addr) >> 24 == 127;
    case AF_INET6:
        return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
    default: /* handed to us: who knows */
        return false;
    }
}

static bool has_good_address(const struct admin *admin, char *error, size_t error_size)
{
    struct net_address addresses[NET_ADDRESSES_MAX];
    const char *text = admin->config.listen.items[0];
    char why[256];
    int count = leat__net_parse(text, addresses, why, sizeof why);
    if (count < 0) {
        snprintf(error, error_size, "--admin %s: give an address, for example localhost:%d, or off",
                 text, ADMIN_PORT);
        return false;
    }
    for (int i = 0; i < count; i++)
        if (!is_private(&addresses[i]) && admin->token[0] == '\0') {
            snprintf(error, error_size,
                     "--admin %s: others reach this address: give --admin-token-file FILE too, or "
                     "an address of "
                     "localhost",
                     text);
            return false;
        }
    return true;
}

static void configure(struct admin *admin, const struct config *config)
{
    struct config *c = &admin->config;
    leat__config_default(c);
    c->listen.count = 1;
    c->listen.items[0] = config->admin != NULL ? config->admin : "localhost:9464";
    c->admin = "off";
    c->shards = 1;
    c->loop = LOOP_EPOLL;
    c->connections = ADMIN_CONNECTIONS;
    c->exchanges = ADMIN_EXCHANGES;
    c->large_buffers = ADMIN_EXCHANGES; /* each may be one that does not read what it asked for */
    c->write_timeout_ms = ADMIN_WRITE_MS;
    c->tasks = ADMIN_EXCHANGES + 8;
    c->stack = 64 << 10;
    c->content_max = 16 << 10;
    c->content_total = 4 << 20;
    c->memory = 64 << 20;
    c->commit = config->commit;
    c->quiet = true;
    c->is_admin = true;
}

static void add_routes(struct admin *admin, const leat_app *looked_at)
{
    leat_app *app = admin->app, *guarded;
    leat__admin_careful(app);
    leat_get_with(app, "/healthz", leat__admin_healthz, admin);
    leat_get_with(app, "/readyz", leat__admin_readyz, admin);
    guarded = leat_group(app, "");
    leat_use_with(guarded, leat__admin_guard, admin);
    leat__admin_add_metrics(admin, guarded, looked_at);
    leat_post_with(app, "/leat/sign-in", leat__admin_sign_in, admin);
    leat__admin_add_page(app, guarded);
    leat__admin_add_live(admin, guarded);
}

/* For some scrapers that read slowly: each has a text of its own. */
static void make_room(struct config *c, size_t text)
{
    uint64_t block = PAGE_SIZE_BYTES;
    while (block < text)
        block *= 2;
    uint64_t total = ADMIN_TEXTS * block;
    if (total > c->content_total) {
        c->memory += total - c->content_total + 2 * block;
        c->content_total = total;
    }
}

struct admin *leat__admin_create(const struct config *config, const leat_app *app, const char *name,
                                 char *error, size_t error_size)
{
    error[0] = '\0';
    if (config->admin != NULL && strcmp(config->admin, "off") == 0)
        return NULL;
    struct admin *admin = leat__start_alloc(sizeof *admin);
    admin->name = name;
    admin->is_default = config->admin == NULL;
    configure(admin, config);
    if ((config->admin_token_file != NULL &&
         !reads_token(admin, config->admin_token_file, error, error_size)) ||
        !has_good_address(admin, error, error_size)) {
        leat__start_free(admin);
        return NULL;
    }
    admin->looker = leat__looker_create();
    admin->live = leat__live_create(admin->looker);
    admin->app = leat_app_create();
    add_routes(admin, app);
    make_room(&admin->config, leat__families_bound(app));
    return admin;
}

void leat__admin_begin(struct admin *admin, const struct look_source *source)
{
    leat__looker_begin(admin->looker, source);
    leat__metrics_text_begin(admin->metrics, admin->looker);
}

uint64_t leat__admin_bytes(const struct plan *plan)
{
    uint64_t server = plan->ours > PLAN_PROGRAM ? plan->ours - PLAN_PROGRAM : 0;
    return server + LIVE_BYTES;
}

void leat__admin_destroy(struct admin *admin)
{
    if (admin == NULL)
        return;
    leat__looker_end(admin->looker);
    leat__start_free(admin->looker);
    leat__start_free(admin->live);
    leat_app_destroy(admin->app);
    leat__start_free(admin);
}
