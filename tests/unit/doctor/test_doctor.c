/* test_doctor.c: what the doctor says of systems that are shown to it as a tree of files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "doctor/doctor.h"

static char root[] = "/tmp/leat-doctor-XXXXXX";
static struct report report;
static struct config config;
static struct plan plan;
static struct listeners listeners;

/* ── A system, and a server for it ── */

static void put(const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s%s", root, name);
    for (char *c = path + strlen(root) + 1; (c = strchr(c, '/')) != NULL; *c++ = '/') {
        *c = '\0';
        mkdir(path, 0755);
    }
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void make_server(uint32_t connections, uint32_t exchanges, uint64_t memory)
{
    struct plan_input input;
    struct machine machine = {
        .processors = 1, .descriptor_limit = 1 << 20, .memory = (uint64_t)16 << 30, .uring = false};
    char error[256];
    leat__config_default(&config);
    config.shards = 1;
    config.connections = connections;
    config.exchanges = exchanges;
    config.memory = memory;
    leat__config_fill(&config, &machine);
    leat__config_plan_input(&config, &input);
    assert_int_equal(leat__plan_make(&plan, &input, error, sizeof error), 0);
}

static struct doctor doctor_here(void)
{
    report.count = report.settings_count = 0;
    return (struct doctor){
        .root = root, .config = &config, .listeners = &listeners, .plan = &plan, .error = "", .report = &report};
}

static int make_system(void **state)
{
    (void)state;
    snprintf(root, sizeof root, "/tmp/leat-doctor-XXXXXX");
    assert_non_null(mkdtemp(root));
    make_server(1000, 100, 256 << 20);
    return leat__listeners_parse(&listeners, &config, (char[256]){0}, 256);
}

static int remove_system(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "chmod -R u+rwx %s; rm -r %s", root, root);
    return system(command);
}

static const struct finding *find(const char *what)
{
    for (uint32_t i = 0; i < report.count; i++)
        if (strcmp(report.findings[i].what, what) == 0)
            return &report.findings[i];
    return NULL;
}

static void assert_found(const char *what, enum doctor_state state, const char *part)
{
    const struct finding *f = find(what);
    if (f == NULL)
        fail_msg("no finding: %s", what);
    else if (f->state != state || strstr(f->found, part) == NULL)
        fail_msg("%s: state %d, found %s", what, (int)f->state, f->found);
    else if (f->state > DOCTOR_NOTE &&
             (f->remedy[0] == '\0' || (f->why[0] == '\0' && f->found[0] == '\0')))
        fail_msg("%s: says neither why nor what to do", what);
}

/* ── Reading ── */

static void files_are_read_as_they_are(void **state)
{
    (void)state;
    struct doctor d = doctor_here();
    char text[16];
    put("/three", "4096\t131072   33554432\n");
    put("/words", "always [madvise] never\n");
    put("/names", "Name:\tleat\nMemAvailable:   1234 kB\nCapEff:\t0000000000000400\n");
    assert_int_equal(leat__doctor_number(&d, "/three", 0), 4096);
    assert_int_equal(leat__doctor_number(&d, "/three", 2), 33554432);
    assert_int_equal(leat__doctor_number(&d, "/three", 3), -1);
    assert_int_equal(leat__doctor_number(&d, "/words", 0), -1);
    assert_int_equal(leat__doctor_number(&d, "/absent", 0), -1);
    assert_true(leat__doctor_read(&d, "/words", text, sizeof text));
    assert_string_equal(text, "always [madvise");
    assert_int_equal(leat__doctor_named(&d, "/names", "MemAvailable", 10), 1234);
    assert_int_equal(leat__doctor_named(&d, "/names", "CapEff", 16), 0x400);
    assert_int_equal(leat__doctor_named(&d, "/names", "Name", 10), -1);
    assert_int_equal(leat__doctor_named(&d, "/names", "Mem", 10), -1);
}

static void what_is_not_there_is_no_finding(void **state)
{
    (void)state;
    struct doctor d = doctor_here();
    leat__doctor_network(&d);
    assert_int_equal(report.count, 0);
}

/* ── Network ── */

static void a_network_that_is_well(void **state)
{
    (void)state;
    struct doctor d = doctor_here();
    put("/proc/sys/net/core/somaxconn", "4096\n");
    put("/proc/sys/net/ipv4/tcp_syncookies", "1\n");
    put("/proc/sys/net/ipv4/tcp_max_syn_backlog", "4096\n");
    put("/proc/net/netstat", "TcpExt: SyncookiesSent ListenOverflows ListenDrops\nTcpExt: 7 0 0\n"
                             "IpExt: InNoRoutes\nIpExt: 3\n");
    put("/proc/sys/net/core/netdev_max_backlog", "1000\n");
    put("/proc/net/softnet_stat", "105c25cc 00000000 00000052\n0f441d03 00000000 00000048\n");
    put("/proc/sys/net/netfilter/nf_conntrack_max", "262144\n");
    put("/proc/sys/net/netfilter/nf_conntrack_count", "17\n");
    put("/proc/sys/net/ipv4/tcp_rmem", "4096 131072 33554432\n");
    put("/proc/sys/net/ipv4/tcp_wmem", "4096 16384 4194304\n");
    put("/proc/sys/net/ipv4/tcp_mem", "287901 383868 575802\n");
    put("/proc/sys/net/ipv4/tcp_slow_start_after_idle", "0\n");
    put("/proc/sys/net/ipv4/tcp_congestion_control", "cubic\n");
    put("/proc/sys/net/ipv4/tcp_available_congestion_control", "reno cubic bbr\n");
    put("/proc/sys/net/core/default_qdisc", "fq\n");
    put("/proc/sys/net/core/busy_poll", "0\n");
    put("/proc/sys/net/core/busy_read", "0\n");
    put("/proc/sys/net/ipv4/ip_local_port_range", "32768 60999\n");
    leat__doctor_network(&d);
    assert_int_equal(report.count, 14);
    assert_int_equal(leat__doctor_count(&report, DOCTOR_GOOD), 14);
    assert_null(leat__doctor_worst(&report));
}

static void a_network_that_is_not(void **state)
{
    (void)state;
    struct doctor d = doctor_here();
    put("/proc/sys/net/core/somaxconn", "128\n");
    put("/proc/sys/net/ipv4/tcp_syncookies", "0\n");
    put("/proc/sys/net/ipv4/tcp_max_syn_backlog", "128\n");
    put("/proc/net/netstat",
        "TcpExt: SyncookiesSent ListenOverflows ListenDrops\nTcpExt: 7 12 13\n");
    put("/proc/sys/net/core/netdev_max_backlog", "1000\n");
    put("/proc/net/softnet_stat", "105c25cc 0000000a 00000052\n0f441d03 00000001 00000048\n");
    put("/proc/sys/net/netfilter/nf_conntrack_max", "100\n");
    put("/proc/sys/net/netfilter/nf_conntrack_count", "17\n");
    put("/proc/sys/net/ipv4/tcp_rmem", "4096 131072 262144\n");
    put("/proc/sys/net/ipv4/tcp_mem", "100 200 300\n");
    put("/proc/sys/net/ipv4/tcp_slow_start_after_idle", "1\n");
    put("/proc/sys/net/ipv4/tcp_congestion_control", "cubic\n");
    put("/proc/sys/net/ipv4/tcp_available_congestion_control", "reno cubic\n");
    put("/proc/sys/net/core/busy_poll", "50\n");
    put("/proc/sys/net/core/busy_read", "0\n");
    leat__doctor_network(&d);
    assert_found("somaxconn", DOCTOR_WARNING, "128");
    assert_found("tcp_syncookies", DOCTOR_WARNING, "0");
    assert_found("tcp_max_syn_backlog", DOCTOR_NOTE, "128");
    assert_found("full accept queues", DOCTOR_NOTE, "12 times, 13 connections");
    assert_found("netdev_max_backlog", DOCTOR_NOTE, "11 packets dropped");
    assert_found("connection tracking", DOCTOR_WARNING, "room for 100");
    assert_found("tcp_rmem", DOCTOR_NOTE, "at most 256.0 KiB");
    assert_found("tcp_mem", DOCTOR_WARNING, "1.2 MiB for all");
    assert_found("tcp_slow_start_after_idle", DOCTOR_NOTE, "1");
    assert_found("congestion control", DOCTOR_NOTE, "reno cubic");
    assert_found("busy_poll", DOCTOR_NOTE, "50");
    assert_string_equal(leat__doctor_worst(&report)->what, "somaxconn");
}

static void a_tracking_table_that_is_nearly_full(void **state)
{
    (void)state;
    struct doctor d = doctor_here();
    put("/proc/sys/net/netfilter/nf_conntrack_max", "10000\n");
    put("/proc/sys/net/netfilter/nf_conntrack_count", "9001\n");
    leat__doctor_network(&d);
    assert_found("connection tracking", DOCTOR_WARNING, "9001 in use");
}

/* ── Limits and memory ── */

static void a_group_that_limits_threads_and_time(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "0::/shop\n");
    put("/sys/fs/cgroup/shop/pids.max", "4\n");
    put("/sys/fs/cgroup/shop/cpu.max", "100000 100000\n");
    config.shards = 8;
    struct doctor d = doctor_here();
    leat__doctor_limits(&d);
    assert_found("threads", DOCTOR_BAD, "4 at most");
    assert_found("processors", DOCTOR_WARNING, "8 shards");
    put("/sys/fs/cgroup/shop/pids.max", "max\n");
    d = doctor_here();
    leat__doctor_limits(&d);
    assert_null(find("threads"));
}

static void descriptors_against_the_plan(void **state)
{
    (void)state;
    struct doctor d = doctor_here();
    d.soft_descriptors = 1024;
    leat__doctor_limits(&d);
    assert_found("descriptors", DOCTOR_GOOD, "soft limit 1024, raised");
    config.descriptor_limit = 4096;
    d = doctor_here();
    leat__doctor_limits(&d);
    assert_found("descriptors", DOCTOR_NOTE, "4096 allowed");
    config.descriptor_limit = 512;
    d = doctor_here();
    leat__doctor_limits(&d);
    assert_found("descriptors", DOCTOR_BAD, "512 allowed");
}

static void all_files_of_the_machine(void **state)
{
    (void)state;
    put("/proc/sys/fs/file-max", "1500\n");
    put("/proc/sys/fs/file-nr", "900 0 1500\n");
    struct doctor d = doctor_here();
    leat__doctor_limits(&d);
    assert_found("fs.file-max", DOCTOR_WARNING, "1500, with 900 open");
}

static void memory_that_is_there(void **state)
{
    (void)state;
    put("/proc/meminfo", "MemTotal: 16777216 kB\nMemAvailable: 8388608 kB\nCommitLimit: 99 "
                         "kB\nCommitted_AS: 9 kB\n");
    put("/proc/sys/vm/overcommit_memory", "0\n");
    put("/proc/sys/vm/max_map_count", "65530\n");
    put("/sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n");
    struct doctor d = doctor_here();
    leat__doctor_memory(&d);
    assert_found("memory plan", DOCTOR_GOOD, "of 16.0 GiB");
    assert_found("control group", DOCTOR_GOOD, "no limit");
    assert_found("available memory", DOCTOR_GOOD, "8.0 GiB now");
    assert_found("vm.overcommit_memory", DOCTOR_GOOD, "0");
    assert_found("vm.max_map_count", DOCTOR_GOOD, "65530");
    assert_found("huge pages", DOCTOR_GOOD, "always");
}

static void memory_that_is_not(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "0::/shop\n");
    put("/sys/fs/cgroup/shop/memory.max", "67108864\n");
    put("/proc/meminfo", "MemAvailable: 1024 kB\nCommitLimit: 5000 kB\nCommitted_AS: 4000 kB\n");
    put("/proc/sys/vm/overcommit_memory", "2\n");
    put("/proc/sys/vm/max_map_count", "100\n");
    struct doctor d = doctor_here();
    config.machine_memory = 1 << 20;
    leat__doctor_memory(&d);
    assert_found("memory plan", DOCTOR_BAD, "of 1.0 MiB");
    assert_found("control group", DOCTOR_GOOD, "64.0 MiB");
    assert_found("available memory", DOCTOR_WARNING, "1.0 MiB now");
    assert_found("vm.overcommit_memory", DOCTOR_BAD, "1000.0 KiB");
    assert_found("vm.max_map_count", DOCTOR_WARNING, "100");
}

static void a_plan_that_fills_the_machine_is_a_warning(void **state)
{
    (void)state;
    struct doctor d = doctor_here();
    config.machine_memory = (plan.ours + plan.kernel) / 95 * 100;
    leat__doctor_memory(&d);
    assert_found("memory plan", DOCTOR_WARNING, "ours");
}

/* ── Kernel ── */

static void a_slow_clock(void **state)
{
    (void)state;
    struct doctor d = doctor_here();
    put("/sys/devices/system/clocksource/clocksource0/current_clocksource", "acpi_pm\n");
    leat__doctor_kernel(&d);
    assert_found("clock source", DOCTOR_WARNING, "acpi_pm");
    put("/sys/devices/system/clocksource/clocksource0/current_clocksource", "kvm-clock\n");
    d = doctor_here();
    leat__doctor_kernel(&d);
    assert_found("clock source", DOCTOR_GOOD, "kvm-clock");
}

static void the_loop_that_was_asked_for(void **state)
{
    (void)state;
    struct doctor d = doctor_here();
    config.loop = LOOP_EPOLL;
    leat__doctor_kernel(&d);
    assert_found("loop", DOCTOR_GOOD, "epoll");
    assert_non_null(find("kernel"));
    assert_non_null(find("io_uring features"));
    assert_non_null(find("openat2"));
    assert_non_null(find("what is in memory"));
}

/* ── Addresses ── */

static void listen_at(const char *text)
{
    config.listen.items[0] = text;
    config.listen.count = 1;
    char error[256];
    assert_int_equal(leat__listeners_parse(&listeners, &config, error, sizeof error), 0);
}

static void addresses_that_can_not_be_had(void **state)
{
    (void)state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    char text[64];
    snprintf(text, sizeof text, "127.0.0.1:%d", ntohs(address.sin_port));
    struct doctor d = doctor_here();
    listen_at(text);
    leat__doctor_addresses(&d);
    char pid[64];
    snprintf(pid, sizeof pid, "process %d", (int)getpid());
    assert_found(text, DOCTOR_NOTE, pid); /* this very program has it: it runs already */
    close(fd);
    d = doctor_here();
    leat__doctor_addresses(&d);
    assert_found(text, DOCTOR_GOOD, "free");
    listen_at("192.0.2.1:8080");
    d = doctor_here();
    leat__doctor_addresses(&d);
    assert_found("192.0.2.1:8080", DOCTOR_BAD, "no such address");
    listen_at("unix:/nowhere/at/all/leat.sock");
    d = doctor_here();
    leat__doctor_addresses(&d);
    assert_found("unix:/nowhere/at/all/leat.sock", DOCTOR_BAD, "No such file");
}

static void a_port_that_others_may_take(void **state)
{
    (void)state;
    put("/proc/sys/net/ipv4/ip_local_port_range", "1024 65535\n");
    put("/proc/sys/net/ipv4/ip_local_reserved_ports", "\n");
    struct doctor d = doctor_here();
    listen_at("127.0.0.1:18473");
    leat__doctor_addresses(&d);
    assert_found("127.0.0.1:18473", DOCTOR_NOTE, "range of outgoing ports");
    put("/proc/sys/net/ipv4/ip_local_reserved_ports", "9000-9010,18473\n");
    d = doctor_here();
    leat__doctor_addresses(&d);
    assert_found("127.0.0.1:18473", DOCTOR_GOOD, "free");
    put("/proc/sys/net/ipv4/ip_local_reserved_ports", "9000-9010,18474-18500\n");
    d = doctor_here();
    leat__doctor_addresses(&d);
    assert_found("127.0.0.1:18473", DOCTOR_NOTE, "range of outgoing ports");
}

/* ── Settings ── */

static const struct setting_told *setting(const char *name)
{
    for (unsigned i = 0; i < NET_SETTINGS; i++)
        if (strcmp(report.settings[0].rows[i].name, name) == 0)
            return &report.settings[0].rows[i];
    return NULL;
}

static void settings_are_told_as_the_kernel_has_them(void **state)
{
    (void)state;
    struct doctor d = doctor_here();
    listen_at("localhost:18473, profile=many-idle, user-timeout=20s");
    leat__doctor_tcp(&d);
    assert_int_equal(report.settings_count, 1); /* both addresses are alike */
    assert_string_equal(report.settings[0].addresses, "127.0.0.1:18473, [::1]:18473");
    assert_string_equal(report.settings[0].profile, "many-idle");
    assert_found("TCP at 127.0.0.1:18473", DOCTOR_GOOD, "profile many-idle, user-timeout=20s");
    assert_string_equal(setting("user-timeout")->value, "20s");
    assert_int_equal(setting("user-timeout")->source, SETTING_SAID);
    assert_string_equal(setting("keepalive-idle")->value, "5m");
    assert_int_equal(setting("keepalive-idle")->source, SETTING_PROFILE);
    assert_int_equal(setting("cork")->source, SETTING_KERNEL);
}

static void a_setting_that_can_not_be_had_is_bad_when_it_was_said(void **state)
{
    (void)state;
    struct doctor d = doctor_here();
    listen_at("127.0.0.1:18473, congestion=nonsense");
    leat__doctor_tcp(&d);
    assert_found("TCP at 127.0.0.1:18473", DOCTOR_BAD, "nonsense");
}

static void an_accept_queue_is_held_against_what_a_listener_asks_for(void **state)
{
    (void)state;
    struct doctor d = doctor_here();
    put("/proc/sys/net/core/somaxconn", "4096\n");
    listen_at("127.0.0.1:18473, backlog=5000");
    leat__doctor_network(&d);
    assert_found("somaxconn", DOCTOR_WARNING, "we ask for 5000");
}

/* ── The folder ── */

static void a_folder_with_the_usual_faults(void **state)
{
    (void)state;
    char path[512], other[512];
    struct doctor d = doctor_here();
    struct doctor_folder folder = {.path = path};
    snprintf(path, sizeof path, "%s/www", root);
    d.folders = &folder;
    d.folder_count = 1;
    leat__doctor_folders(&d);
    assert_found("folder", DOCTOR_BAD, "No such file");
    put("/www/sub/page.html", "page");
    d = doctor_here();
    d.folders = &folder;
    d.folder_count = 1;
    leat__doctor_folders(&d);
    assert_found("folder", DOCTOR_GOOD, "1 file");
    assert_found("index", DOCTOR_NOTE, "no index.html");
    folder.listing = true;
    d = doctor_here();
    d.folders = &folder;
    d.folder_count = 1;
    leat__doctor_folders(&d);
    assert_found("index", DOCTOR_GOOD, "listing");
    folder.index = "main.html";
    assert_found("writable by anyone", DOCTOR_GOOD, "none");
    put("/www/index.html", "index");
    put("/www/main.html", "index");
    put("/www/dump.sql", "secret");
    put("/www/.git/config", "hidden");
    put("/outside", "x");
    snprintf(other, sizeof other, "%s/www/sub/out", root);
    assert_int_equal(symlink("../../outside", other), 0);
    snprintf(other, sizeof other, "%s/www/sub/in", root);
    assert_int_equal(symlink("../index.html", other), 0);
    snprintf(other, sizeof other, "%s/www/broken", root);
    assert_int_equal(symlink("gone", other), 0);
    snprintf(other, sizeof other, "%s/www/sub", root);
    assert_int_equal(chmod(other, 0777), 0);
    d = doctor_here();
    d.folders = &folder;
    d.folder_count = 1;
    leat__doctor_folders(&d);
    assert_found("folder", DOCTOR_GOOD, "4 files");
    assert_found("index", DOCTOR_GOOD, "main.html");
    assert_found("links leading out", DOCTOR_NOTE, "sub/out");
    assert_found("broken links", DOCTOR_NOTE, "broken");
    assert_found("writable by anyone", DOCTOR_WARNING, "sub");
    assert_found("left lying about", DOCTOR_WARNING, "dump.sql");
}

static void several_folders_and_a_bundle(void **state)
{
    (void)state;
    char paths[3][512];
    struct doctor d = doctor_here();
    put("/one/index.html", "one");
    put("/two/index.html", "two");
    snprintf(paths[0], sizeof paths[0], "%s/one", root);
    snprintf(paths[1], sizeof paths[1], "%s/two", root);
    snprintf(paths[2], sizeof paths[2], "%s/three.leat", root);
    const struct doctor_folder folders[] = {
        {.path = paths[0]}, {.path = paths[1]}, {.path = paths[2], .is_bundle = true}};
    d.folders = folders;
    d.folder_count = 3;
    leat__doctor_folders(&d);
    uint32_t seen = 0;
    for (uint32_t i = 0; i < report.count; i++)
        seen += strcmp(report.findings[i].what, "folder") == 0;
    assert_int_equal(seen, 2);
    assert_true(strstr(report.findings[0].group, "/one") != NULL);
    assert_found("bundle", DOCTOR_BAD, "No such file");
    put("/three.leat", "bytes");
    d = doctor_here();
    d.folders = folders;
    d.folder_count = 3;
    leat__doctor_folders(&d);
    assert_found("bundle", DOCTOR_GOOD, "5 B");
}

/* ── Telling ── */

static char told[1 << 17];

static void keep(void *to, const char *text, size_t size)
{
    size_t used = strlen(to);
    assert_true(used + size < sizeof told);
    memcpy((char *)to + used, text, size);
    ((char *)to)[used + size] = '\0';
}

static void the_report_names_the_worst(void **state)
{
    (void)state;
    struct doctor d = doctor_here();
    d.group = "Here";
    leat__doctor_found(leat__doctor_begin(&d, "one", "why one"), DOCTOR_GOOD, "fine");
    struct finding *f = leat__doctor_begin(&d, "two", "why two");
    leat__doctor_found(f, DOCTOR_WARNING, "small");
    leat__doctor_remedy(f, "grow it");
    d.group = "There";
    leat__doctor_found(leat__doctor_begin(&d, "three", "why three"), DOCTOR_BAD, "broken\x1b[31m");
    told[0] = '\0';
    leat__doctor_print(&report, false, keep, told);
    assert_non_null(strstr(told, "Here\n  ok "));
    assert_null(strstr(told, "why one"));
    assert_non_null(strstr(told, "why two"));
    assert_non_null(strstr(told, "→ grow it\n"));
    assert_non_null(strstr(told, "\nThere\n  BAD "));
    assert_non_null(strstr(told, "\n1 fault, 1 warning; the most important: three: broken?[31m\n"));
    assert_null(strchr(told, '\x1b'));
    told[0] = '\0';
    leat__doctor_print(&report, true, keep, told);
    assert_non_null(strchr(told, '\x1b'));
}

static void all_is_well(void **state)
{
    (void)state;
    struct doctor d = doctor_here();
    d.group = "Here";
    leat__doctor_found(leat__doctor_begin(&d, "one", ""), DOCTOR_GOOD, "fine");
    told[0] = '\0';
    leat__doctor_print(&report, false, keep, told);
    assert_non_null(strstr(told, "\nnothing to change\n"));
}

static void json_escapes_what_names_may_hold(void **state)
{
    (void)state;
    struct doctor d = doctor_here();
    d.group = "Here";
    struct finding *f = leat__doctor_begin(&d, "one", "\"why\"\\");
    leat__doctor_found(f, DOCTOR_NOTE, "na\xc3\xafve \xff\xe2\x82 \xed\xa0\x80 end");
    told[0] = '\0';
    leat__doctor_print_json(&report, keep, told);
    assert_non_null(strstr(told, "\"why\": \"\\\"why\\\"\\\\\""));
    assert_non_null(strstr(told, "na\xc3\xafve \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd "
                                 "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd end"));
    assert_non_null(strstr(told, "\"state\": \"note\""));
}

static void settings_tell_the_error(void **state)
{
    (void)state;
    struct doctor d = doctor_here();
    d.error = "--exchanges 5: more than --connections 1\nsecond line";
    config.access_log = "/nowhere/at/all/access.log";
    leat__doctor_settings(&d);
    assert_found("options", DOCTOR_BAD, "--connections 1; second line");
    assert_found("access log", DOCTOR_BAD, "No such file");
    assert_non_null(strstr(find("access log")->remedy, "make its folder first"));
    config.access_log = NULL;
}

static void a_log_is_a_file_in_a_folder_that_is_there(void **state)
{
    (void)state;
    char path[600];
    const struct {
        const char *name;
        enum doctor_state state;
        const char *found;
    } rows[] = {
        {"/log", DOCTOR_BAD, "Is a directory"}, {"/log/", DOCTOR_BAD, "Is a directory"},
        {"/log/old", DOCTOR_GOOD, "/log/old"},  {"/log/old/new", DOCTOR_BAD, "Not a directory"},
        {"/log/new", DOCTOR_GOOD, "/log/new"},  {"/log/no/new", DOCTOR_BAD, "No such file"},
    };
    put("/log/old", "line");
    config.access_log = path;
    for (unsigned i = 0; i < COUNT_OF(rows); i++) {
        struct doctor d = doctor_here();
        snprintf(path, sizeof path, "%s%s", root, rows[i].name);
        leat__doctor_settings(&d);
        assert_found("access log", rows[i].state, rows[i].found);
    }
    config.access_log = NULL;
}

static void the_tables_of_settings_stand_before_the_findings(void **state)
{
    (void)state;
    struct doctor d = doctor_here();
    listen_at("127.0.0.1:18473");
    leat__doctor_tcp(&d);
    told[0] = '\0';
    leat__doctor_print(&report, false, keep, told);
    const char *table = strstr(told, "TCP at 127.0.0.1:18473, profile api\n");
    const char *findings = strstr(told, "\n\nTCP settings\n");
    assert_ptr_equal(table, told);
    assert_non_null(findings);
    assert_non_null(strstr(told, "  keepalive-idle"));
    assert_true(strstr(told, "  keepalive-idle") < findings);
}

static void words_are_the_worst_first_and_whole(void **state)
{
    (void)state;
    static char words[DOCTOR_WORDS_SIZE], less[DOCTOR_WORDS_SIZE];
    struct doctor d = doctor_here();
    leat__doctor_write_words(&report, words, sizeof words);
    assert_string_equal(words, "[]");
    leat__doctor_found(leat__doctor_begin(&d, "one", "why"), DOCTOR_GOOD, "well");
    leat__doctor_found(leat__doctor_begin(&d, "two", "why"), DOCTOR_NOTE, "a \"b\" \\ \xff");
    struct finding *bad = leat__doctor_begin(&d, "three", "why");
    leat__doctor_found(bad, DOCTOR_BAD, "ill");
    leat__doctor_remedy(bad, "rest");
    for (uint32_t i = 0; i < report.count; i++)
        report.findings[i].group = "G";
    leat__doctor_write_words(&report, words, sizeof words);
    assert_string_equal(
        words,
        "[{\"group\": \"G\", \"what\": \"three\", \"state\": \"bad\", \"found\": \"ill\", "
        "\"remedy\": \"rest\"}, "
        "{\"group\": \"G\", \"what\": \"two\", \"state\": \"note\", \"found\": \"a \\\"b\\\" \\\\ "
        "\xef\xbf\xbd\", \"remedy\": \"\"}]");
    size_t first = (size_t)(strstr(words, ", {") - words), whole = strlen(words);
    for (size_t size = 3; size <= whole + 1; size++) {
        memset(less, '#', sizeof less);
        leat__doctor_write_words(&report, less, size);
        size_t kept = size <= first + 1 ? 1 : size <= whole ? first : whole - 1;
        assert_int_equal(strlen(less), kept + 1);
        assert_memory_equal(less, words, kept);
        assert_string_equal(less + kept, "]");
        assert_int_equal(less[size], '#');
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_system, remove_system)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(files_are_read_as_they_are),
        TEST(what_is_not_there_is_no_finding),
        TEST(a_network_that_is_well),
        TEST(a_network_that_is_not),
        TEST(a_tracking_table_that_is_nearly_full),
        TEST(a_group_that_limits_threads_and_time),
        TEST(descriptors_against_the_plan),
        TEST(all_files_of_the_machine),
        TEST(memory_that_is_there),
        TEST(memory_that_is_not),
        TEST(a_plan_that_fills_the_machine_is_a_warning),
        TEST(a_slow_clock),
        TEST(the_loop_that_was_asked_for),
        TEST(addresses_that_can_not_be_had),
        TEST(a_port_that_others_may_take),
        TEST(settings_are_told_as_the_kernel_has_them),
        TEST(a_setting_that_can_not_be_had_is_bad_when_it_was_said),
        TEST(an_accept_queue_is_held_against_what_a_listener_asks_for),
        TEST(a_folder_with_the_usual_faults),
        TEST(several_folders_and_a_bundle),
        TEST(the_report_names_the_worst),
        TEST(all_is_well),
        TEST(json_escapes_what_names_may_hold),
        TEST(settings_tell_the_error),
        TEST(a_log_is_a_file_in_a_folder_that_is_there),
        TEST(the_tables_of_settings_stand_before_the_findings),
        TEST(words_are_the_worst_first_and_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
