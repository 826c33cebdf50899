/* sheet.c: a sheet of characters with styles, and how numbers are written on it. Whatever is put, a cell holds one character that
 * takes one column: so no name that a server tells can move the cursor or shift what stands beside it. */
#include "top.h"
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

void leat__top_sheet_init(struct top_sheet *s, int rows, int columns, bool is_unicode)
{
    s->rows = rows < TOP_ROWS_MAX ? rows : TOP_ROWS_MAX;
    s->columns = columns < TOP_COLUMNS_MAX ? columns : TOP_COLUMNS_MAX;
    s->is_unicode = is_unicode;
    for (int r = 0; r < s->rows; r++)
        for (int c = 0; c < s->columns; c++)
            s->cells[r][c] = (struct top_cell){" ", TOP_PLAIN};
}

/* The octets of the UTF-8 character at text; 0: it is none. */
static int character_size(const unsigned char *c)
{
    int size = c[0] < 0x80                   ? 1
               : c[0] >= 0xc2 && c[0] < 0xe0 ? 2
               : (c[0] & 0xf0) == 0xe0       ? 3
               : c[0] >= 0xf0 && c[0] < 0xf5 ? 4
                                             : 0;
    for (int i = 1; i < size; i++)
        if ((c[i] & 0xc0) != 0x80)
            return 0;
    return size;
}

static wchar_t decode(const unsigned char *c, int size)
{
    unsigned value = size == 1 ? c[0] : c[0] & (0xffu >> (size + 1));
    for (int i = 1; i < size; i++)
        value = value << 6 | (c[i] & 0x3f);
    return (wchar_t)value;
}

/* One character into a cell; answers its octets. What is not one column wide, or not for this terminal, is a question mark. */
static int put_character(struct top_sheet *s, int row, int column, enum top_style style, const char *text)
{
    const unsigned char *c = (const unsigned char *)text;
    int size = character_size(c);
    bool is_plain = size == 1 && c[0] >= ' ' && c[0] < 0x7f;
    bool fits = is_plain || (size > 1 && s->is_unicode && wcwidth(decode(c, size)) == 1);
    if (row >= 0 && row < s->rows && column >= 0 && column < s->columns) {
        struct top_cell *cell = &s->cells[row][column];
        *cell = (struct top_cell){"?", (unsigned char)style};
        if (fits)
            memcpy(cell->text, text, (size_t)size);
    }
    return size > 0 ? size : 1;
}

static int put_text(struct top_sheet *s, int row, int column, int end, enum top_style style,
                    const char *text)
{
    while (*text != '\0' && column < end)
        text += put_character(s, row, column++, style, text);
    return column;
}

int leat__top_put(struct top_sheet *s, int row, int column, enum top_style style, const char *format, ...)
{
    char text[2 * TOP_COLUMNS_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return put_text(s, row, column, s->columns, style, text);
}

int leat__top_put_field(struct top_sheet *s, int row, int column, enum top_style style, int width,
                        const char *text)
{
    int at = put_text(s, row, column, column + width, style, text);
    while (at < column + width)
        put_character(s, row, at++, style, " ");
    return at;
}

int leat__top_put_bar(struct top_sheet *s, int row, int column, enum top_style style, int width,
                      double share)
{
    static const char *const eighths[] = {" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"};
    double filled = (share > 0 ? share < 1 ? share : 1 : 0) * width;
    for (int i = 0; i < width; i++) {
        double part = filled - i;
        int eighth = part >= 1 ? 8 : part <= 0 ? 0 : (int)(part * 8);
        if (eighth == 0 && i == 0 && share > 0)
            eighth = 1; /* a little is not nothing */
        const char *mark = s->is_unicode ? eighths[eighth] : eighth >= (i == 0 ? 1 : 4) ? "#" : " ";
        if (mark[0] == ' ')
            put_character(s, row, column + i, TOP_DIM, s->is_unicode ? "·" : ".");
        else
            put_character(s, row, column + i, style, mark);
    }
    return column + width;
}

static int end_of_row(const struct top_sheet *s, int row)
{
    int end = s->columns;
    while (end > 0 && s->cells[row][end - 1].text[0] == ' ')
        end--;
    return end;
}

int leat__top_sheet_print(const struct top_sheet *s, FILE *to)
{
    int rows = s->rows;
    while (rows > 0 && end_of_row(s, rows - 1) == 0)
        rows--;
    for (int r = 0; r < rows; r++) {
        for (int c = 0; c < end_of_row(s, r); c++)
            fputs(s->cells[r][c].text, to);
        fputc('\n', to);
    }
    return fflush(to) == 0 ? 0 : -errno;
}

/* ── Numbers ── */

/* Three digits at least, and no more than are needed. */
static const char *write_scaled(char *out, double value, const char *unit)
{
    int digits = value >= 99.95 || value == floor(value) ? 0 : value >= 9.995 ? 1 : 2;
    snprintf(out, TOP_HUMAN_SIZE, "%.*f%s", digits, value, unit);
    return out;
}

const char *leat__top_count(char *out, double count)
{
    if (count < 99999.5)
        snprintf(out, TOP_HUMAN_SIZE, "%.0f", count);
    else if (count < 1e6)
        write_scaled(out, count / 1e3, "k");
    else if (count < 1e9)
        write_scaled(out, count / 1e6, "M");
    else
        write_scaled(out, count / 1e9, "G");
    return out;
}

const char *leat__top_bytes(char *out, double bytes)
{
    static const char *const units[] = {" B", " KiB", " MiB", " GiB", " TiB"};
    unsigned unit = 0;
    for (; bytes >= 1023.5 && unit + 1 < COUNT_OF(units); unit++)
        bytes /= 1024;
    return write_scaled(out, unit == 0 ? floor(bytes) : bytes, units[unit]);
}

const char *leat__top_duration(char *out, double seconds)
{
    if (seconds < 0)
        snprintf(out, TOP_HUMAN_SIZE, "-");
    else if (seconds < 0.9995e-6)
        snprintf(out, TOP_HUMAN_SIZE, "%.0f ns", seconds * 1e9);
    else if (seconds < 0.9995e-3)
        write_scaled(out, seconds * 1e6, " us");
    else if (seconds < 0.9995)
        write_scaled(out, seconds * 1e3, " ms");
    else
        write_scaled(out, seconds, " s");
    return out;
}

const char *leat__top_long_duration(char *out, double seconds)
{
    long long s = seconds > 0 && seconds < 1e12 ? (long long)seconds : 0;
    if (s < 60)
        snprintf(out, TOP_HUMAN_SIZE, "%llds", s);
    else if (s < 3600)
        snprintf(out, TOP_HUMAN_SIZE, "%lldm %llds", s / 60, s % 60);
    else if (s < 86400)
        snprintf(out, TOP_HUMAN_SIZE, "%lldh %lldm", s / 3600, s % 3600 / 60);
    else
        snprintf(out, TOP_HUMAN_SIZE, "%lldd %lldh", s / 86400, s % 86400 / 3600);
    return out;
}
