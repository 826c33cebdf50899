/* tcp.c: what the sockets of each listener are set to. A socket is made and set as the listener's would be, and
 * asked: so what is told is what the kernel does, not what was wished. */
#include "doctor/doctor.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

static bool are_alike(const struct net_options *a, const struct net_options *b)
{
    return a->wanted == b->wanted && a->said == b->said && a->profile == b->profile &&
           memcmp(a->values, b->values, sizeof a->values) == 0 &&
           strcmp(a->congestion, b->congestion) == 0;
}

static struct settings_told *find_alike(struct report *report, const struct net_options *o)
{
    for (uint32_t i = 0; i < report->settings_count; i++)
        if (are_alike(&report->settings[i].options, o))
            return &report->settings[i];
    return NULL;
}

static void tell_setting(struct setting_told *told, int fd, const struct net_options *o, unsigned index)
{
    const struct net_setting *setting = leat__net_setting_at(index);
    enum net_setting_id id = (enum net_setting_id)index;
    *told = (struct setting_told){.name = setting->name, .purpose = setting->purpose};
    if (o->missed[index] != 0) {
        told->source = SETTING_MISSED;
        leat__net_setting_why(o, index, told->why, sizeof told->why);
        return;
    }
    if (net_is_wanted(o, id))
        told->source = net_is_said(o, id) ? SETTING_SAID : SETTING_PROFILE;
    /* what is set on accepted sockets, or on all shards together, this one socket does not show */
    bool shows = setting->where == NET_INHERITED || setting->where == NET_LISTENER;
    if ((!shows && net_is_wanted(o, id)) ||
        leat__net_setting_read(fd, index, told->value, sizeof told->value) < 0)
        leat__net_setting_write(o, index, told->value);
}

static void summarize(struct finding *f, const struct settings_told *told)
{
    char text[DOCTOR_FOUND_SIZE];
    size_t used = (size_t)snprintf(text, sizeof text, "profile %s", told->profile);
    bool missed = false;
    for (unsigned i = 0; i < NET_SETTINGS && used < sizeof text; i++) {
        const struct setting_told *row = &told->rows[i];
        missed |= row->source == SETTING_MISSED;
        if (row->source == SETTING_MISSED)
            used += (size_t)snprintf(text + used, sizeof text - used, ", no %s: %s", row->name, row->why);
        else if (row->source == SETTING_SAID)
            used += (size_t)snprintf(text + used, sizeof text - used, ", %s=%s", row->name, row->value);
    }
    leat__doctor_found(f, missed ? DOCTOR_NOTE : DOCTOR_GOOD, "%s", text);
    for (unsigned i = 0; i < NET_SETTINGS; i++)
        if (told->rows[i].source == SETTING_MISSED)
            leat__doctor_remedy(f, "%s: %s", told->rows[i].name, leat__net_setting_at(i)->way_out);
}

static void check_settings(struct doctor *d, const struct net_address *a, const char *what,
                           const char *name)
{
    char error[DOCTOR_FOUND_SIZE] = "";
    struct net_options options = a->options;
    struct finding *f = leat__doctor_begin(
        d, what, "what a profile asks for and the kernel refuses is left out; what --listen says is not");
    int fd = socket(a->sockaddr.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        leat__doctor_found(f, DOCTOR_BAD, "%s", strerror(errno));
        return;
    }
    struct settings_told *told = &d->report->settings[d->report->settings_count++];
    *told = (struct settings_told){.options = a->options};
    snprintf(told->addresses, sizeof told->addresses, "%s", name);
    const struct net_profile *profile = leat__net_profile_at(
        options.profile == NET_PROFILE_UNSAID ? d->config->tcp_profile : (unsigned)options.profile);
    told->profile = profile->name;
    int status = leat__net_apply(fd, &options, 0, error, sizeof error);
    for (unsigned i = 0; i < NET_SETTINGS; i++)
        tell_setting(&told->rows[i], fd, &options, i);
    close(fd);
    summarize(f, told);
    if (status < 0) {
        leat__doctor_found(f, DOCTOR_BAD, "%s", error);
        leat__doctor_remedy(f, "leave it out of --listen, or do as that says");
    }
}

static void join(struct settings_told *told, const char *name)
{
    size_t used = strlen(told->addresses);
    snprintf(told->addresses + used, sizeof told->addresses - used, ", %s", name);
}

void leat__doctor_tcp(struct doctor *d)
{
    static char names[LOOP_LISTENERS_MAX][sizeof((struct net_address *)0)->text + 8];
    char name[sizeof((struct net_address *)0)->text];
    d->group = "TCP settings";
    for (uint32_t i = 0; i < d->listeners->count; i++) {
        const struct net_address *a = &d->listeners->addresses[i];
        if (a->sockaddr.ss_family != AF_INET && a->sockaddr.ss_family != AF_INET6)
            continue;
        leat__doctor_name(a, name, sizeof name);
        struct settings_told *alike = find_alike(d->report, &a->options);
        if (alike != NULL) {
            join(alike, name);
            continue;
        }
        snprintf(names[i], sizeof names[i], "TCP at %s", name);
        check_settings(d, a, names[i], name);
    }
}
