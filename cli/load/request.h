/* request.h: requests in words (flags, a mix), and how they become octets. For options.c and mix.c; everybody else has
 * load_request.
 *
 * All texts lie in a list of the options' own (`keep`) and go with it at once. */
#ifndef LEAT_LOAD_REQUEST_H
#define LEAT_LOAD_REQUEST_H

#include "address/address.h"
#include "load/load.h"

enum { LOAD_FILE_MAX = 64 << 20, LOAD_WEIGHT_MAX = 1000000 };

/* Content of a request or of an answer: octets, or the name of a file that has them; neither: there is none. */
struct load_octets {
    const char *octets;
    size_t size;
    const char *file;
};

/* One request as it was asked for. */
struct load_words {
    const char *name; /* NULL: method and target */
    const char *method;
    const char *target;
    const char *fields; /* whole lines with their CRLF; "" */
    struct load_octets content, expected;
    uint32_t weight;
    uint16_t status; /* 0: any of 200 to 299 */
    unsigned line;   /* of the mix; 0: from flags */
};

struct load_wording {
    struct load_kept *kept;
    struct address address;
    bool has_address;
    struct load_words flags; /* the one request without a mix; its fields go to those of a mix too */
    const char *mix_file;    /* NULL: none */
    struct load_words mix[LOAD_REQUESTS_MAX];
    uint32_t mix_count;
    bool duration_told;
};

/* Memory that goes with the options; NULL: there is none. A NUL stands behind it. */
char *leat__load_keep(struct load_wording *w, const void *octets, size_t size);
/* The same with two texts, one behind the other. */
char *leat__load_keep_both(struct load_wording *w, const char *first, const char *second);
void leat__load_let_go(struct load_wording *w);

/* What of a text is wrong with it, as a part of a request; NULL: nothing. */
const char *leat__load_method_fault(const char *text);
const char *leat__load_target_fault(const char *text);
/* "Name: value" */
const char *leat__load_field_fault(const char *text);

/* Reads what is in a file; base: the file whose folder it lies in, or NULL. 0 or an exit status, and error. */
int leat__load_octets_read(struct load_wording *w, struct load_octets *octets, const char *base,
                           char *error, size_t error_size);

/* Makes o->requests of the wording. 0 or an exit status, and error. */
int leat__load_compose(struct load_options *o, char *error, size_t error_size);

/* mix.c: a request file's text; files that it names are not read. false: error names file and line. */
bool leat__load_mix_parse(struct load_wording *w, const char *text, size_t size, const char *file,
                          char *error, size_t error_size);

#endif
