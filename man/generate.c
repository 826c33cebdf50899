/* generate.c: the manual, the example configuration and the shell's completion, from the tables of options and the
 * installed header.
 *
 *     generate DIRECTORY DATE HEADER… TEMPLATE…
 *
 * Headers are what ends with .h, and leat.h the first of them.
 *
 * A template is text by hand (leat-serve.1.in). @VERSION@ and @DATE@ are replaced in it, and a line that names a form of
 * a table, `@OPTIONS site@`, by every row of that table in that form: so what a page says of an option is what --help
 * says, and no page can lack one. Section 3 has no templates (api.c, reference.c). */
#include "header.h"
#include "roff.h"

#include "handler/site.h"
#include "http1/http1.h"
#include "leat/leat.h"
#include "config/options.h"
#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { VALUE_SIZE = 128 };

#define OPTION_GROUP(title) OPTION_ROW_HEADING(title),
#define OPTION_CHANGES(...) OPTION_ROW(struct options, OPTION_LIVE, __VA_ARGS__),
#define OPTION_OF_START(...) OPTION_ROW(struct options, OPTION_OUTSIDE, __VA_ARGS__),
#define OPTION_ORDER(...) OPTION_ROW(struct options, OPTION_ONCE, __VA_ARGS__),
#define OPTION(...) OPTION_ROW(struct options, OPTION_RESTART, __VA_ARGS__),
static const struct option_row server_rows[] = {
#include "config/options.def"
};
#undef OPTION
#define OPTION(...) OPTION_ROW(struct site_options, OPTION_RESTART, __VA_ARGS__),
static const struct option_row site_rows[] = {
#include "handler/site.def"
};

static const struct table {
    const char *name;
    const struct option_row *rows;
    unsigned count;
} tables[] = {
    {"server", server_rows, COUNT_OF(server_rows)},
    {"site", site_rows, COUNT_OF(site_rows)},
};

/* What may be said of a listener, and the sets of that with names. */
static const struct setting {
    const char *name, *example, *purpose;
} settings[] = {
#define SETTING(id, name, kind, level, option, where, smallest, largest, example, purpose, way_out) \
    {name, example, purpose},
#include "net/tcp.def"
};
static const struct setting profiles[] = {
#define PROFILE(name, whom, settings) {name, settings, whom},
#include "net/profiles.def"
};

static void put_string(FILE *file, const char *text)
{
    man__put_text(file, text, strlen(text));
}

/* What holds when nothing is said; "" when that is nothing. */
static void write_standard(const struct option_row *row, char value[static VALUE_SIZE])
{
    if (row->standard != 0)
        leat__option_write(row, row->standard, value);
    else
        snprintf(value, VALUE_SIZE, "%s", row->standard_words != NULL ? row->standard_words : "");
}

static void put_help(FILE *file, const struct option_row *row)
{
    char standard[VALUE_SIZE], smallest[VALUE_SIZE], largest[VALUE_SIZE];
    put_string(file, row->help);
    fputc('\n', file);
    write_standard(row, standard);
    if (standard[0] != '\0') {
        fputs("Default: ", file);
        put_string(file, standard);
        fputs(".\n", file);
    }
    if (row->kind == OPTION_COUNT || row->kind == OPTION_BYTES || row->kind == OPTION_DURATION) {
        leat__option_write(row, row->smallest, smallest);
        leat__option_write(row, row->largest, largest);
        fprintf(file, "From %s to %s.\n", smallest, largest);
    }
}

/* ── The forms of a row ──────────────────────────────────────────────────────────────────────────────────────── */

static void put_option(FILE *file, const struct option_row *row)
{
    if (row->kind == OPTION_HEADING) {
        fprintf(file, ".SS %s\n", row->name);
        return;
    }
    fputs(".TP\n\\fB\\-\\-", file);
    put_string(file, row->name);
    fputs("\\fR", file);
    if (row->argument != NULL) {
        fputs(" \\fI", file);
        put_string(file, row->argument);
        fputs("\\fR", file);
    } else if (row->standard != 0) {
        fputs("=no", file);
    }
    fputc('\n', file);
    put_help(file, row);
}

/* Quotation marks are for the shell; the file has none. */
static const char *unquote(const char *value, size_t *size)
{
    *size = strlen(value);
    bool quoted = *size > 1 && value[0] == '"' && value[*size - 1] == '"';
    *size -= 2 * quoted;
    return value + quoted;
}

static void put_unquoted(FILE *file, const char *value)
{
    size_t size;
    value = unquote(value, &size);
    man__put_text(file, value, size);
}

/* A row of the configuration file, with its variable of the environment. */
static void put_key(FILE *file, const struct option_row *row)
{
    if (row->kind == OPTION_HEADING) {
        fprintf(file, ".SS %s\n", row->name);
        return;
    }
    if (row->when == OPTION_ONCE)
        return;
    fputs(".TP\n\\fB", file);
    put_string(file, row->name);
    fputs("\\fR = \\fI", file);
    put_unquoted(file, row->kind == OPTION_FLAG ? "yes|no" : row->argument);
    fputs("\\fR\n", file);
    put_help(file, row);
    if (row->when == OPTION_LIVE)
        fputs("SIGHUP changes it.\n", file);
    if (row->when == OPTION_OUTSIDE)
        fputs("Not in the file.\n", file);
    char variable[OPTION_VARIABLE_SIZE];
    leat__option_variable(row, variable);
    fprintf(file, "Environment:\n.BR %s .\n", variable);
}

/* A row of the example configuration, as a comment: what it is, and what it could be. */
static void put_example(FILE *file, const struct option_row *row)
{
    enum { COLUMNS = 96 };
    if (row->kind == OPTION_HEADING) {
        fprintf(file, "\n# ── %s\n", row->name);
        return;
    }
    if (row->when == OPTION_ONCE || row->when == OPTION_OUTSIDE)
        return;
    char standard[VALUE_SIZE];
    size_t column = 0;
    fputc('\n', file);
    for (const char *word = row->help; *word != '\0'; word += strspn(word, " ")) {
        size_t size = strcspn(word, " ");
        if (column > 0 && column + 1 + size > COLUMNS) {
            fputc('\n', file);
            column = 0;
        }
        column += (size_t)fprintf(file, "%s%.*s", column == 0 ? "# " : " ", (int)size, word);
        word += size;
    }
    write_standard(row, standard);
    fprintf(file, standard[0] != '\0' ? " [%s]\n" : "\n", standard);
    const char *value = row->kind == OPTION_FLAG ? (row->standard ? "no" : "yes") : row->example;
    size_t size;
    value = unquote(value, &size);
    fprintf(file, "#%s = %.*s\n", row->name, (int)size, value);
}

static void put_word(FILE *file, const struct option_row *row)
{
    if (row->kind != OPTION_HEADING)
        fprintf(file, "        --%s\n", row->name);
}

/* What a shell proposes behind an option. */
static void put_completion(FILE *file, const struct option_row *row)
{
    if (row->kind == OPTION_CHOICE) {
        fprintf(file, "        --%s) words='", row->name);
        for (const char *c = row->argument; *c != '\0'; c++)
            fputc(*c == '|' ? ' ' : *c, file);
        fputs("' ;;\n", file);
    } else if (row->kind == OPTION_TEXT) {
        fprintf(file, "        --%s) _leat_files %s; return ;;\n", row->name,
                strcmp(row->argument, "DIR") == 0 ? "-d" : "-f");
    } else if (row->argument != NULL && row->kind != OPTION_HEADING) {
        fprintf(file, "        --%s) return ;;\n", row->name);
    }
}

static const struct form {
    const char *name;
    void (*put)(FILE *file, const struct option_row *row);
} forms[] = {
    {"OPTIONS", put_option},         {"KEYS", put_key},
    {"EXAMPLE", put_example},        {"WORDS", put_word},
    {"COMPLETIONS", put_completion},
};

static void put_settings(FILE *file)
{
    for (unsigned i = 0; i < COUNT_OF(settings); i++) {
        fputs(".TP\n\\fB", file);
        put_string(file, settings[i].name);
        fputs("\\fR=\\fI", file);
        put_string(file, settings[i].example);
        fputs("\\fR\n", file);
        put_string(file, settings[i].purpose);
        fputc('\n', file);
    }
}

static void put_profiles(FILE *file)
{
    for (unsigned i = 0; i < COUNT_OF(profiles); i++) {
        fputs(".TP\n\\fB", file);
        put_string(file, profiles[i].name);
        fputs("\\fR\n", file);
        put_string(file, profiles[i].purpose);
        fputs("\n.sp\n", file);
        put_string(file, profiles[i].example);
        fputc('\n', file);
    }
}

/* ── Templates ───────────────────────────────────────────────────────────────────────────────────────────────── */

static void fail(const char *template, const char *line)
{
    fprintf(stderr, "%s: no such table or form: %s\n", template, line);
    exit(EXIT_FAILURE);
}

/* "@FORM table@" */
static bool put_rows(FILE *file, const char *template, const char *line)
{
    char form[16], table[16], end;
    if (sscanf(line, "@%15[A-Z] %15[a-z]%c", form, table, &end) != 3 || end != '@')
        return false;
    for (unsigned i = 0; i < COUNT_OF(forms); i++) {
        for (unsigned k = 0; k < COUNT_OF(tables); k++) {
            if (strcmp(form, forms[i].name) != 0 || strcmp(table, tables[k].name) != 0)
                continue;
            for (unsigned r = 0; r < tables[k].count; r++)
                forms[i].put(file, &tables[k].rows[r]);
            return true;
        }
    }
    fail(template, line);
    return false;
}

/* "@FORM table@", "@SETTINGS@", "@PROFILES@" */
static bool put_table(FILE *file, const char *template, const char *line)
{
    if (strcmp(line, "@SETTINGS@\n") == 0)
        put_settings(file);
    else if (strcmp(line, "@PROFILES@\n") == 0)
        put_profiles(file);
    else
        return put_rows(file, template, line);
    return true;
}

static void put_line(FILE *file, const char *line, const char *date)
{
    static const char version_mark[] = "@VERSION@", date_mark[] = "@DATE@";
    while (*line != '\0') {
        if (strncmp(line, version_mark, strlen(version_mark)) == 0) {
            fputs(LEAT_VERSION, file);
            line += strlen(version_mark);
        } else if (strncmp(line, date_mark, strlen(date_mark)) == 0) {
            fputs(date, file);
            line += strlen(date_mark);
        } else {
            fputc(*line++, file);
        }
    }
}

/* PATH/NAME.N.in → DIRECTORY/manN/NAME.N; another NAME.in → DIRECTORY/NAME. */
static FILE *open_output(const char *directory, const char *template)
{
    char name[256];
    const char *slash = strrchr(template, '/');
    snprintf(name, sizeof name, "%s", slash != NULL ? slash + 1 : template);
    name[strlen(name) - strlen(".in")] = '\0';
    size_t size = strlen(name);
    if (size > 2 && name[size - 2] == '.' && isdigit((unsigned char)name[size - 1])) {
        int section = name[size - 1] - '0';
        name[size - 2] = '\0';
        return man__page_open(directory, name, section);
    }
    return man__file_open(directory, name);
}

static void write_template(const char *directory, const char *template, const char *date)
{
    char line[512];
    FILE *in = fopen(template, "r");
    if (in == NULL) {
        perror(template);
        exit(EXIT_FAILURE);
    }
    FILE *out = open_output(directory, template);
    while (fgets(line, sizeof line, in) != NULL)
        if (!put_table(out, template, line))
            put_line(out, line, date);
    fclose(in);
    man__page_close(out);
}

static char *read_whole(const char *path)
{
    enum { HEADER_MAX = 1 << 20 };
    char *text = malloc(HEADER_MAX + 1);
    FILE *file = fopen(path, "r");
    if (file == NULL || text == NULL) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    text[fread(text, 1, HEADER_MAX, file)] = '\0';
    fclose(file);
    return text;
}

static bool is_header(const char *path)
{
    return strcmp(path + strlen(path) - 2, ".h") == 0;
}

/* Their texts live as long as the program. */
static unsigned read_headers(struct api *headers, char *const *paths, int count)
{
    unsigned read = 0;
    for (int i = 0; i < count && read < HEADERS_MAX; i++) {
        const char *slash = strrchr(paths[i], '/');
        if (is_header(paths[i]))
            man__read_header(&headers[read++], slash != NULL ? slash + 1 : paths[i],
                             read_whole(paths[i]));
    }
    return read;
}

int main(int argc, char **argv)
{
    static struct api headers[HEADERS_MAX];
    if (argc < 4 || !is_header(argv[3])) {
        fputs("generate DIRECTORY DATE HEADER... TEMPLATE...\n", stderr);
        return 64;
    }
    unsigned count = read_headers(headers, argv + 3, argc - 3);
    man__write_api(argv[1], headers, count, LEAT_VERSION, argv[2]);
    man__write_reference(argv[1], headers, count, LEAT_VERSION);
    for (int i = 3; i < argc; i++)
        if (!is_header(argv[i]))
            write_template(argv[1], argv[i], argv[2]);
    return 0;
}
