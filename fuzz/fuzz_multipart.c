/* fuzz_multipart.c: any octets as a multipart/form-data. Whole and in pieces they must say the same: the same parts with the
 * same names and octets, and the same end; a name is a text, a file name no path; what was read never passes the bounds, and
 * what is not fine is answered 400 or 413.
 *
 * Input: one octet for the pieces' size, one for how parts are read, then the content; its boundary is "X". */
#include "base/digest.h"
#include "stage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PARTS = 20, FIELD = 200, PART = 2000, TOTAL = 20000 };

struct outcome {
    int result;
    unsigned status, parts;
    uint8_t digest[DIGEST_SIZE];
};

static void read_part(leat_multipart *m, struct digest *d, unsigned way)
{
    char piece[64];
    int64_t n;
    uint64_t sum = 0;
    if (way % 3 == 0) {
        size_t size;
        const char *text = leat_multipart_text(m, &size);
        if (text != NULL) {
            must(size <= FIELD && text[size] == '\0');
            leat__digest_add(d, text, size);
        }
        return;
    }
    while ((n = leat_multipart_read(m, piece, 1 + way % sizeof piece)) > 0) {
        sum += (uint64_t)n;
        if (way % 5 == 0 && sum > 10) /* the rest is passed over */
            return;
    }
    must(sum <= PART);
    leat__digest_add(d, &sum, sizeof sum);
}

static struct outcome read_all(const uint8_t *data, size_t size, size_t step, unsigned way)
{
    static const char head[] =
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=X\r\n\r\n";
    struct outcome o = {0};
    struct digest d;
    leat_part part;
    must(stage_begin(head, sizeof head - 1));
    stage_content(data, size, step);
    leat__digest_init(&d);
    leat_multipart *m = leat_multipart_begin(
        &stage->x, &(leat_multipart_options){
                       .parts_max = PARTS, .field_max = FIELD, .part_max = PART, .total_max = TOTAL});
    must(m != NULL);
    while ((o.result = leat_multipart_next(m, &part)) == 1) {
        o.parts++;
        must(part.name != NULL && part.media_type != NULL && part.media_type[0] != '\0');
        must(part.filename == NULL ||
             (strpbrk(part.filename, "/\\") == NULL && strcmp(part.filename, "..") != 0));
        leat__digest_add(&d, part.name, strlen(part.name) + 1);
        leat__digest_add(&d, part.filename ? part.filename : "/",
                         1 + strlen(part.filename ? part.filename : "/"));
        leat__digest_add(&d, part.media_type, strlen(part.media_type) + 1);
        read_part(m, &d, way);
    }
    must(o.parts <= PARTS && leat_multipart_next(m, &part) == o.result);
    o.status = stage->x.way.refused_status;
    must(o.result == 0 ? o.status == 0 : o.status == 400 || o.status == 413);
    leat__digest_end(&d, o.digest);
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    size_t step = 1 + data[0] % 100;
    struct outcome whole = read_all(data + 2, size - 2, size, data[1]);
    struct outcome pieces = read_all(data + 2, size - 2, step, data[1]);
    /* a content that breaks two rules may be told either */
    if (whole.result == 0 || pieces.result == 0)
        must(whole.result == pieces.result && whole.parts == pieces.parts &&
             memcmp(whole.digest, pieces.digest, DIGEST_SIZE) == 0);
    return 0;
}
