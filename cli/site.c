/* site.c: sites, or the welcome page when nothing is named that could be served. */
#include "site.h"

#include "exchange/app.h"
#include "handler/welcome.h"

static const struct option_row rows[] = {
#define OPTION_GROUP(title) OPTION_ROW_HEADING(title),
#define OPTION(...) OPTION_ROW(struct site_options, OPTION_RESTART, __VA_ARGS__),
#include "handler/site.def"
#undef OPTION_GROUP
#undef OPTION
};

const struct option_table leat__site_table = {
    .rows = rows,
    .count = COUNT_OF(rows),
    .size = sizeof(struct site_options),
    .section = "site",
};

void *leat__site_open_section(const struct option_texts *names, void *data)
{
    struct serving *serving = data;
    if (serving->section_count == SITES_MAX - 1)
        return NULL;
    uint32_t i = ++serving->section_count;
    serving->names[i] = names;
    return &serving->sites[i];
}

/* Whether the top says what its site answers with, or how: a rule with nothing to serve is an error worth telling. */
static bool is_told(const struct site_options *site)
{
    return site->root != NULL || site->bundle != NULL || site->fallback != NULL || site->listing ||
           site->clean_urls ||
           site->redirects.count + site->fields.count + site->error_pages.count +
                   site->cache_control.count >
               0;
}

static int serve_sites(leat_app *app, const struct site_options *sites, uint32_t count)
{
    char error[768];
    struct sites *made = leat__sites_create(app, sites, count, error, sizeof error);
    if (made == NULL) {
        leat__main_complain("leat", error);
        return MAIN_CONFIG;
    }
    leat__sites_mount(app, made);
    return MAIN_DONE;
}

/* Whoever of the sites says so: probes come without a host. */
static void add_health(leat_app *app, const struct serving *serving)
{
    bool is_wanted = false;
    for (uint32_t i = 0; i <= serving->section_count; i++)
        is_wanted |= serving->sites[i].health;
    if (!is_wanted)
        return;
    leat_get(app, "/healthz", leat_healthz);
    leat_get(app, "/readyz", leat_readyz);
}

int leat__site_prepare(leat_app *app, const char *directory, void *data)
{
    struct serving *serving = data;
    struct site_options *top = &serving->sites[0];
    if (directory != NULL)
        top->root = directory;
    leat__app_never_waits(app);
    add_health(app, serving);
    for (uint32_t i = 1; i <= serving->section_count; i++) /* filling a section has cleared them */
        serving->sites[i].names = *serving->names[i];
    if (is_told(top))
        return serve_sites(app, top, 1 + serving->section_count);
    if (serving->section_count > 0)
        return serve_sites(app, top + 1, serving->section_count);
    serving->welcome = leat__welcome_create(app);
    leat_get_with(app, "/", leat__welcome_show, serving->welcome);
    return MAIN_DONE;
}

void leat__site_planned(const struct plan *plan, void *data)
{
    const struct serving *serving = data;
    if (serving->welcome != NULL)
        leat__welcome_fill(serving->welcome, plan);
}

struct program leat__site_program(struct serving *serving)
{
    return (struct program){
        .name = "leat",
        .takes_operand = true,
        .operand_option = "root",
        .extra = &leat__site_table,
        .extra_options = &serving->sites[0],
        .open_section = leat__site_open_section,
        .prepare = leat__site_prepare,
        .planned = leat__site_planned,
        .data = serving,
    };
}
