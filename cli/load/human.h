/* human.h: figures as people read them: three digits, and a unit. */
#ifndef LEAT_LOAD_HUMAN_H
#define LEAT_LOAD_HUMAN_H

#include "base/base.h"

enum { HUMAN_SIZE = 32 };

/* out has HUMAN_SIZE octets and is answered. */
const char *leat__human_ns(char *out, uint64_t ns);         /* 340 us; 1.25 ms */
const char *leat__human_seconds(char *out, double seconds); /* the same, and 12.0 s */
const char *leat__human_count(char *out, double count);     /* 12345; 123k; 1.25M */
const char *leat__human_bytes(char *out, double bytes);     /* 1.25 MiB */
/* A text that another machine told, for a terminal: what is no printable ASCII is a question mark. */
const char *leat__human_text(char *out, size_t size, const char *text);

/* In place: what could begin another line, or move a cursor, is a question mark. */
void leat__human_line(char *text);

#endif
