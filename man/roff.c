/* roff.c: text on its way into a manual page. */
#include "roff.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

FILE *man__file_open(const char *directory, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    mkdir(directory, 0755);
    FILE *file = fopen(path, "wx"); /* a name twice is a mistake of ours */
    if (file == NULL) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    return file;
}

FILE *man__page_open(const char *directory, const char *name, int section)
{
    char place[512], file_name[128];
    mkdir(directory, 0755);
    snprintf(place, sizeof place, "%s/man%d", directory, section);
    snprintf(file_name, sizeof file_name, "%s.%d", name, section);
    return man__file_open(place, file_name);
}

void man__page_close(FILE *file)
{
    int failed = ferror(file);
    if (fclose(file) != 0 || failed) {
        perror("a manual page");
        exit(EXIT_FAILURE);
    }
}

void man__put_head(FILE *file, const char *name, int section, const char *manual,
                   const char *version, const char *date)
{
    fprintf(file, ".TH %s %d %s \"leat %s\" \"%s\"\n", name, section, date, version, manual);
}

/* Beyond ASCII: \[uXXXX]. What is no UTF-8 goes through as it is. */
static size_t put_wide(FILE *file, const unsigned char *text, size_t size)
{
    size_t length = text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;
    if (length > size) {
        fputc(text[0], file);
        return 1;
    }
    uint32_t code = text[0] & (0xffu >> (length + 1));
    for (size_t i = 1; i < length; i++)
        code = code << 6 | (text[i] & 0x3fu);
    fprintf(file, "\\[u%04X]", code);
    return length;
}

void man__put_text(FILE *file, const char *text, size_t size)
{
    static const char special[] = "\\'-^~`\"";
    static const char *const instead[] = {"\\e",   "\\(aq", "\\-",  "\\(ha",
                                          "\\(ti", "\\(ga", "\\(dq"};
    for (size_t i = 0; i < size; i++) {
        const char *found = text[i] != '\0' ? strchr(special, text[i]) : NULL;
        if (found != NULL)
            fputs(instead[found - special], file);
        else if ((unsigned char)text[i] >= 0x80)
            i += put_wide(file, (const unsigned char *)text + i, size - i) - 1;
        else if (i == 0 && text[i] == '.')
            fputs("\\&.", file);
        else
            fputc(text[i], file);
    }
}
