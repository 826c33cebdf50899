/* scan.h: a look at a text before a parser that recurses sees it: how deep it is nested, as far as it is JSON at all.
 *
 * The scan knows strings, so that brackets in them don't count, and nothing else. On everything that a parser accepts, and up
 * to the first octet that it refuses, both agree on what is inside a string: so a parser never gets deeper than the scan has
 * seen. A NUL octet is nowhere JSON, and refused here because Jansson takes one outside a string for the text's end. */
#ifndef LEAT_EXTRA_JSON_SCAN_H
#define LEAT_EXTRA_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

enum json_scan { JSON_SCAN_FINE, JSON_SCAN_TOO_DEEP, JSON_SCAN_NUL };

/* Not FINE: *at is where. */
static inline enum json_scan json_scan(const char *text, size_t size, unsigned depth_max, size_t *at)
{
    unsigned depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        *at = i;
        if (c == '\0')
            return JSON_SCAN_NUL;
        if (c == '"')
            in_string = !in_string;
        else if (in_string)
            i += c == '\\' && i + 1 < size && text[i + 1] != '\0';
        else if ((c == '[' || c == '{') && depth++ == depth_max)
            return JSON_SCAN_TOO_DEEP;
        else if ((c == ']' || c == '}') && depth > 0)
            depth--;
    }
    return JSON_SCAN_FINE;
}

/* Where an octet is, as people count: line and column from 1, in characters. */
static inline void json_place(const char *text, size_t at, size_t *line, size_t *column)
{
    *line = *column = 1;
    for (size_t i = 0; i < at; i++) {
        if (text[i] == '\n') {
            ++*line;
            *column = 1;
        } else {
            *column += ((unsigned char)text[i] & 0xc0) != 0x80;
        }
    }
}

#endif
