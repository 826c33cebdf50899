/* fuzz_top.c: any octets as a response of an admin listener, twice, for leat top: whatever is told is drawn or refused, and every
 * cell of the sheet holds one printable character. The first octet chooses the view, and what comes of the two. */
#include "cli/top/top.h"
#include <locale.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void add(struct top_history *h, const uint8_t *data, size_t size, bool is_bare)
{
    char *bytes = malloc(size + 1), error[TOP_ERROR_SIZE];
    const char *content = bytes;
    size_t content_size = size;
    ASSERT(bytes != NULL);
    memcpy(bytes, data, size);
    int status = is_bare
                     ? 0
                     : leat__top_reply_read(bytes, size, &content, &content_size, error, sizeof error);
    ASSERT(status == 0 || strlen(error) > 0);
    json_t *frame = status == 0 ? leat__top_frame_read(content, content_size, error, sizeof error) : NULL;
    if (frame != NULL)
        leat__top_history_add(h, frame);
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct top_sheet sheet;
    struct top_history h = {0};
    if (size < 2)
        return 0;
    unsigned choice = data[0];
    size_t half = size / 2;
    add(&h, data + 1, choice & 64 ? half : size - 1, choice & 128);
    add(&h, choice & 64 ? data + half : data + 1, choice & 64 ? size - half : size - 1, choice & 128);
    struct top_shown shown = {.history = &h,
                              .address = "there",
                              .trouble = "",
                              .view = (enum top_view)(choice % TOP_VIEWS),
                              .sort = (enum top_sort)(choice / 4 % TOP_SORTS),
                              .is_interactive = choice & 16};
    leat__top_sheet_init(&sheet, choice & 32 ? 24 : 61, choice & 32 ? 80 : 132, false);
    leat__top_draw(&sheet, &shown);
    for (int r = 0; r < sheet.rows; r++)
        for (int c = 0; c < sheet.columns; c++) {
            const char *text = sheet.cells[r][c].text;
            ASSERT(text[0] >= ' ' && text[0] < 0x7f && text[1] == '\0');
        }
    leat__top_history_clear(&h);
    return 0;
}
