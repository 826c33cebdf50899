/* fuzz_config.c: any octets as a configuration file. What is refused is told in one line that begins with the file's
 * name; what is taken, printed and read in again, comes to the same settings. */
#include "config/effective.h"

#include <errno.h>
#include <stdlib.h>

enum { INPUT_MAX = 16 << 10, PRINTED_MAX = 1 << 20 };

struct own {
    const char *root;
    struct option_texts fields;
    bool listing;
};

static const struct option_row own_rows[] = {
    OPTION_ROW_HEADING("Own"),
    OPTION_ROW(struct own, OPTION_RESTART, "root", TEXT, root, "DIR", 0, 0, 0, NULL, "/srv", "A folder."),
    OPTION_ROW(struct own, OPTION_RESTART, "field", TEXTS, fields, "TEXT", 0, 0, 0, NULL, "A: b", "Fields."),
    OPTION_ROW(struct own, OPTION_RESTART, "listing", FLAG, listing, NULL, 0, 1, 1, NULL, NULL, "A list."),
};
static const struct option_table own_table = {own_rows, COUNT_OF(own_rows), sizeof(struct own), "site"};

static struct effective first, second;
static char printed[PRINTED_MAX];
static size_t printed_size;

static void keep(void *to, const char *text, size_t size)
{
    (void)to;
    ASSERT(size <= sizeof printed - printed_size);
    memcpy(printed + printed_size, text, size);
    printed_size += size;
}

static void check_same(const struct setting *a, const struct setting *b)
{
    ASSERT(b != NULL && a->number == b->number && a->source == b->source);
    ASSERT(!option_is_text(a->row) || strcmp(a->text, b->text) == 0);
}

static void check_again(void)
{
    struct options options;
    char error[512] = "";
    leat__effective_fill(&first, &leat__server_table, 0, &options);
    printed_size = 0;
    leat__effective_print(&first, &options, keep, NULL);
    leat__effective_init(&second, &own_table);
    ASSERT(leat__ini_parse(&second, "printed", printed, printed_size, error, sizeof error) == 0);
    ASSERT(second.section_count == first.section_count && second.count == first.count);
    for (unsigned t = 0; t < 2; t++)
        for (uint32_t i = 0; i < first.tables[t]->count; i++)
            for (uint32_t s = 0; s <= (t == 0 ? 0 : first.section_count); s++) {
                const struct option_row *row = &first.tables[t]->rows[i];
                const struct setting *setting;
                for (uint32_t k = 0; (setting = leat__effective_get(&first, row, s, k)) != NULL; k++)
                    check_same(setting, leat__effective_get(&second, row, s, k));
            }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > INPUT_MAX)
        return 0;
    char *bytes = malloc(size + 1), error[512];
    memcpy(bytes, data, size); /* with its bounds known to the sanitizer */
    memset(error, 0x7f, sizeof error);
    leat__effective_init(&first, &own_table);
    int status = leat__ini_parse(&first, "a.conf", bytes, size, error, sizeof error);
    ASSERT(status == 0 || status == -EINVAL);
    if (status < 0)
        ASSERT(memchr(error, '\0', sizeof error) != NULL && strncmp(error, "a.conf:", 7) == 0 &&
               strchr(error, '\n') == NULL);
    else
        check_again();
    free(bytes);
    return 0;
}
