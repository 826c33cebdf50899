/* metrics_text.h: what /metrics is made of; nobody else includes it but admin.c and the tests.
 *
 *   families.c       which families there are, and their samples
 *   metrics_text.c   when they are made anew, for whom, and the last minute */
#ifndef LEAT_METRICS_TEXT_H
#define LEAT_METRICS_TEXT_H

#include "admin/admin.h"
#include "observe/expose.h"
#include "observe/lately.h"

/* What families are made of, beside the look. */
struct families {
    struct looker *looker;
    uint32_t row_count;
    /* The first row of the same method and route: hosts may have such. */
    uint16_t first_row[PLAN_METRICS_ROUTES];
    struct route_metrics route; /* the sum of such rows */
    struct histogram late;      /* of the last minute */
    struct lately lately;       /* durations */
};

/* Octets that all of it takes at most, with app's routes and pools. */
size_t leat__families_bound(const leat_app *app);

/* When the rows are known. */
void leat__families_begin(struct families *f, struct looker *looker);

/* Every LATELY_EVERY_S. */
void leat__families_remember(struct families *f);

/* All of them; no waiting. Answers octets; 0: there is no room. */
size_t leat__families_write(struct families *f, const struct look *look, struct expose *e);

struct metrics_text;

void leat__metrics_text_begin(struct metrics_text *m, struct looker *looker);

#endif
