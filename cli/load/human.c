/* human.c: see human.h. */
#include "load/human.h"
#include <math.h>
#include <stdio.h>

/* Three digits. */
static const char *write_scaled(char *out, double value, const char *unit)
{
    int digits = value >= 99.95 || value == 0 ? 0 : value >= 9.995 ? 1 : 2;
    snprintf(out, HUMAN_SIZE, "%.*f%s", digits, value, unit);
    return out;
}

const char *leat__human_seconds(char *out, double seconds)
{
    if (seconds < 999.5e-9)
        return write_scaled(out, round(seconds * 1e9), " ns");
    if (seconds < 999.5e-6)
        return write_scaled(out, seconds * 1e6, " us");
    if (seconds < 999.5e-3)
        return write_scaled(out, seconds * 1e3, " ms");
    return write_scaled(out, seconds, " s");
}

const char *leat__human_ns(char *out, uint64_t ns)
{
    return leat__human_seconds(out, (double)ns * 1e-9);
}

const char *leat__human_count(char *out, double count)
{
    if (count < 99999.5) {
        int digits = count >= 99.95 || count == floor(count) ? 0 : count >= 9.995 ? 1 : 2;
        snprintf(out, HUMAN_SIZE, "%.*f", digits, count);
        return out;
    }
    if (count < 999.5e3)
        return write_scaled(out, count / 1e3, "k");
    return count < 999.5e6 ? write_scaled(out, count / 1e6, "M") : write_scaled(out, count / 1e9, "G");
}

const char *leat__human_bytes(char *out, double bytes)
{
    static const char *const units[] = {" B", " KiB", " MiB", " GiB", " TiB"};
    unsigned unit = 0;
    for (; bytes >= 1023.5 && unit + 1 < COUNT_OF(units); unit++)
        bytes /= 1024;
    if (unit == 0)
        snprintf(out, HUMAN_SIZE, "%.0f B", bytes);
    else
        write_scaled(out, bytes, units[unit]);
    return out;
}

const char *leat__human_text(char *out, size_t size, const char *text)
{
    size_t at = 0;
    for (; text[at] != '\0' && at + 1 < size; at++)
        out[at] = text[at] >= ' ' && text[at] < 0x7f ? text[at] : '?';
    out[at] = '\0';
    return out;
}

void leat__human_line(char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
}
