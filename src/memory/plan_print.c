/* plan_print.c: a plan as a table for people and as JSON for programs, and how the hot structs lie. Text goes to the
 * caller's write piece by piece; nothing is allocated. */
#include "memory/plan.h"
#include <stdarg.h>
#include <stdio.h>

struct printer {
    plan_write *write;
    void *to;
};

static void __attribute__((format(printf, 2, 3))) put(struct printer p, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    ASSERT(size >= 0);
    p.write(p.to, text, size_min((size_t)size, sizeof text - 1));
}

/* ── For people ── */

const char *leat__plan_human(char text[PLAN_HUMAN_SIZE], uint64_t bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (bytes < 1024) {
        snprintf(text, PLAN_HUMAN_SIZE, "%u B", (unsigned)bytes);
        return text;
    }
    double value = (double)bytes / 1024;
    size_t unit = 0;
    while (value >= 1023.95 && unit + 1 < COUNT_OF(units)) {
        value /= 1024;
        unit++;
    }
    snprintf(text, PLAN_HUMAN_SIZE, "%.1f %s", value, units[unit]);
    return text;
}

/* 1006000 as "1,006,000" */
enum { GROUPED_SIZE = 32 };

static const char *grouped(char text[GROUPED_SIZE], uint64_t n)
{
    char digits[24];
    int count = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);
    char *to = text;
    for (int i = 0; i < count; i++) {
        if (i > 0 && (count - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
    return text;
}

enum { NAME_COLUMNS = 26 };

static void put_row(struct printer p, const struct plan_row *row)
{
    char each[PLAN_HUMAN_SIZE] = "", count[GROUPED_SIZE] = "", total[PLAN_HUMAN_SIZE] = "";
    if (row->each != 0)
        leat__plan_human(each, row->each);
    if (row->each != 0 || row->kind == PLAN_DESCRIPTORS)
        grouped(count, row->count);
    else
        snprintf(count, sizeof count, "(shared)");
    if (row->kind != PLAN_DESCRIPTORS)
        leat__plan_human(total, row->bytes);
    put(p, "%-*.*s%11s%12s%13s   %s\n", NAME_COLUMNS, NAME_COLUMNS - 1, row->what, each, count,
        total, row->note);
}

static void put_rows(struct printer p, const struct plan *plan, enum plan_kind kind)
{
    for (uint32_t i = 0; i < plan->row_count; i++)
        if (plan->rows[i].kind == kind)
            put_row(p, &plan->rows[i]);
}

static void put_sum(struct printer p, const char *what, uint64_t bytes, uint64_t limit, const char *note)
{
    char sum[PLAN_HUMAN_SIZE], of[PLAN_HUMAN_SIZE];
    put(p, "%-*s%*s", NAME_COLUMNS, what, 36, leat__plan_human(sum, bytes));
    if (limit != 0)
        put(p, " of %s", leat__plan_human(of, limit));
    put(p, "%s\n", note);
}

void leat__plan_print(const struct plan *plan, plan_write *write, void *to)
{
    struct printer p = {write, to};
    char sum[GROUPED_SIZE], of[GROUPED_SIZE];
    put(p, "%-*s%11s%12s%13s\n", NAME_COLUMNS, "what", "each", "count", "total");
    put_rows(p, plan, PLAN_OURS);
    put_sum(p, "all of ours", plan->ours, plan->input.memory, "   (the peak can't pass this)");
    put(p, "\n");
    put_rows(p, plan, PLAN_KERNEL);
    put_sum(p, "the kernel's, estimated", plan->kernel, plan->input.machine_memory, "");
    put(p, "\n");
    put_rows(p, plan, PLAN_DESCRIPTORS);
    put(p, "%-*s%11s%12s", NAME_COLUMNS, "descriptors in one table", "", grouped(sum, plan->descriptors));
    if (plan->input.descriptor_limit != 0)
        put(p, " of %s", grouped(of, plan->input.descriptor_limit));
    put(p, "\n\n%u %s: each a region of %s\n", plan->input.shards,
        plan->input.shards == 1 ? "shard" : "shards",
        leat__plan_human((char[PLAN_HUMAN_SIZE]){0}, plan->shard_bytes));
}

/* ── For programs ── */

static void put_string(struct printer p, const char *text)
{
    put(p, "\"");
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            put(p, "\\%c", c);
        else if (c < 0x20)
            put(p, "\\u%04x", c);
        else
            put(p, "%c", c);
    }
    put(p, "\"");
}

static void put_number(struct printer p, const char *name, uint64_t n)
{
    put(p, "\"%s\": %llu", name, (unsigned long long)n);
}

static void put_json_row(struct printer p, const struct plan_row *row)
{
    static const char *const kinds[] = {
        [PLAN_OURS] = "ours", [PLAN_KERNEL] = "kernel", [PLAN_DESCRIPTORS] = "descriptors"};
    put(p, "    {\"what\": ");
    put_string(p, row->what);
    put(p, ", \"kind\": \"%s\", ", kinds[row->kind]);
    put_number(p, "each", row->each);
    put(p, ", ");
    put_number(p, "count", row->count);
    put(p, ", ");
    put_number(p, "bytes", row->bytes);
    put(p, ", \"option\": ");
    put_string(p, row->option);
    put(p, ", \"note\": ");
    put_string(p, row->note);
    put(p, "}");
}

static void put_json_numbers(struct printer p, const struct plan *plan)
{
    const struct plan_input *in = &plan->input;
    const struct {
        const char *name;
        uint64_t value;
    } numbers[] = {
        {"shards", in->shards},
        {"connections", in->connections},
        {"exchanges", in->exchanges},
        {"memory", in->memory},
        {"machine_memory", in->machine_memory},
        {"descriptor_limit", in->descriptor_limit},
        {"shard_bytes", plan->shard_bytes},
        {"shard_slots", plan->slots},
        {"shard_rooms", plan->rooms},
        {"shard_receives", plan->receives},
        {"shard_receive_ring", plan->receive_ring},
        {"shard_chunks", plan->chunks},
        {"shard_larges", plan->larges},
        {"shard_content", plan->content},
        {"ours", plan->ours},
        {"kernel", plan->kernel},
        {"descriptors", plan->descriptors},
    };
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        put(p, "  ");
        put_number(p, numbers[i].name, numbers[i].value);
        put(p, ",\n");
    }
}

void leat__plan_print_json(const struct plan *plan, plan_write *write, void *to)
{
    struct printer p = {write, to};
    put(p, "{\n");
    put_json_numbers(p, plan);
    put(p, "  \"rows\": [\n");
    for (uint32_t i = 0; i < plan->row_count; i++) {
        put_json_row(p, &plan->rows[i]);
        put(p, i + 1 < plan->row_count ? ",\n" : "\n");
    }
    put(p, "  ]\n}\n");
}

/* ── Layout ── */

const struct layout_row *leat__memory_layout(size_t *count)
{
    static const struct layout_row rows[] = {
        LAYOUT_STRUCT(struct pool),
        LAYOUT_FIELD(struct pool, top),
        LAYOUT_FIELD(struct pool, alert),
        LAYOUT_FIELD(struct pool, limit),
        LAYOUT_FIELD(struct pool, in_use),
        LAYOUT_FIELD(struct pool, recent_high),
        LAYOUT_FIELD(struct pool, high),
        LAYOUT_FIELD(struct pool, object_size),
        LAYOUT_FIELD(struct pool, fail_countdown),
        LAYOUT_FIELD(struct pool, magazine),
        LAYOUT_FIELD(struct pool, base),
        LAYOUT_FIELD(struct pool, slab_size),
        LAYOUT_FIELD(struct pool, taken),
        LAYOUT_FIELD(struct pool, full),
        LAYOUT_FIELD(struct pool, resident),
        LAYOUT_FIELD(struct pool, refused),
        LAYOUT_FIELD(struct pool, returned),
        LAYOUT_STRUCT(struct buffer_pool),
        LAYOUT_FIELD(struct buffer_pool, free),
        LAYOUT_FIELD(struct buffer_pool, in_use),
        LAYOUT_FIELD(struct buffer_pool, recent_high),
        LAYOUT_FIELD(struct buffer_pool, fail_countdown),
        LAYOUT_FIELD(struct buffer_pool, high),
        LAYOUT_FIELD(struct buffer_pool, headers),
        LAYOUT_FIELD(struct buffer_pool, base),
        LAYOUT_STRUCT(struct buffer),
        LAYOUT_FIELD(struct buffer, next),
        LAYOUT_FIELD(struct buffer, data),
        LAYOUT_FIELD(struct buffer, start),
        LAYOUT_FIELD(struct buffer, end),
        LAYOUT_FIELD(struct buffer, index),
        LAYOUT_STRUCT(struct arena),
        LAYOUT_FIELD(struct arena, at),
        LAYOUT_FIELD(struct arena, end),
        LAYOUT_FIELD(struct arena, first),
        LAYOUT_FIELD(struct arena, first_end),
        LAYOUT_FIELD(struct arena, chunks),
        LAYOUT_FIELD(struct arena, larges),
        LAYOUT_FIELD(struct arena, chunk_pool),
        LAYOUT_FIELD(struct arena, large_pool),
        LAYOUT_FIELD(struct arena, chunk_count),
        LAYOUT_FIELD(struct arena, overflow),
    };
    *count = COUNT_OF(rows);
    return rows;
}

void leat__plan_print_layout(const struct layout_row *rows, size_t count, plan_write *write, void *to)
{
    struct printer p = {write, to};
    for (size_t i = 0; i < count; i++) {
        const struct layout_row *row = &rows[i];
        if (row->field != NULL) {
            put(p, "%8zu%8zu%8zu  %s\n", row->offset, row->size, row->offset / CACHE_LINE, row->field);
            continue;
        }
        size_t lines = (row->size + CACHE_LINE - 1) / CACHE_LINE;
        put(p, "%s%s, %zu bytes, %zu cache line%s\n%8s%8s%8s  field\n", i > 0 ? "\n" : "",
            row->structure, row->size, lines, lines == 1 ? "" : "s", "offset", "size", "line");
    }
}
