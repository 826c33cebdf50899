/* error_page.c: an error as a page, for a person's browser. The pages of the commonest errors are written whole at compile
 * time: they take no memory, hold nothing of the request, and ask for nothing outside of themselves. A problem that comes
 * with a detail, and a rarer one, gets its page in the arena; where there is no room it stays a problem. The colours are
 * those of a folder's listing. What comes with the page alone stands in lines that go with its content, so that a
 * program's own page, should it take its place, comes without them. */
#define _GNU_SOURCE /* memmem */
#include "exchange/exchange.h"
#include <stdio.h>

static const char page_lines[] =
    "Content-Type: text/html; charset=utf-8\r\n"
    "Vary: Accept\r\n"
    "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n"
    "X-Content-Type-Options: nosniff\r\n";

/* clang-format off */
#define BEFORE_TITLE \
    "<!doctype html>\n" \
    "<html lang='en'>\n" \
    "<head>\n" \
    "<meta charset='utf-8'>\n" \
    "<meta name='viewport' content='width=device-width, initial-scale=1'>\n" \
    "<meta name='color-scheme' content='light dark'>\n"

#define BEFORE_HEADING \
    "</title>\n" \
    "<style>\n" \
    ":root { --paper: #fbfaf6; --ink: #1d2a2f; --soft: #52646b; --link: #0d6487; --water: #1c7fa6; --far: #a9d7e4; --bed: #5d4630; }\n" \
    "@media (prefers-color-scheme: dark) {\n" \
    "  :root { --paper: #10181c; --ink: #e6edec; --soft: #9fb2b6; --link: #7cc9e4; --water: #1f7ea3; --far: #4f8ea3; --bed: #241b13; }\n" \
    "}\n" \
    "body { margin: 0; background: var(--paper); color: var(--ink); font: 1.0625rem/1.6 system-ui, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif; }\n" \
    "main { max-width: 36rem; margin: 0 auto; padding: clamp(3rem, 18vh, 10rem) 1.25rem 3rem; }\n" \
    "h1 { font-size: clamp(1.5rem, 5vw, 2.1rem); line-height: 1.2; font-weight: 650; letter-spacing: -.01em; margin: 0; }\n" \
    "h1 b { display: block; color: var(--link); font-size: 2.6em; font-weight: 700; letter-spacing: -.03em; line-height: 1.1; font-variant-numeric: tabular-nums; }\n" \
    "svg { display: block; width: 100%; height: 1.4rem; margin: 1.1rem 0 1rem; }\n" \
    "p { color: var(--soft); margin: 0; }\n" \
    "</style>\n" \
    "</head>\n" \
    "<body>\n" \
    "<main>\n"

#define BEFORE_SENTENCE \
    "<svg viewBox='0 0 600 24' preserveAspectRatio='none' aria-hidden='true'>\n" \
    "<defs><linearGradient id='w'><stop offset='0' style='stop-color:var(--far)'/><stop offset='1' style='stop-color:var(--water)'/></linearGradient></defs>\n" \
    "<path style='fill:var(--bed)' d='M0 17C95 6 165 11 260 14s215-13 340-3v7c-125-10-245 3-340 3S95 11 0 21z'/>\n" \
    "<path fill='url(#w)' d='M0 17C95 6 165 11 260 14s215-13 340-3v4c-125-10-245 3-340 3S95 8 0 18z'/>\n" \
    "</svg>\n" \
    "<p>"

#define BEHIND \
    "</p>\n" \
    "</main>\n" \
    "</body>\n" \
    "</html>\n"

#define PAGE(status, reason, sentence) \
    BEFORE_TITLE #status " " reason BEFORE_HEADING "<h1><b>" #status "</b> " reason "</h1>\n" \
    BEFORE_SENTENCE sentence BEHIND

static const char forbidden[] = PAGE(403, "Forbidden",
    "There is something at this address, but the server is not allowed to show it.");
static const char not_found[] = PAGE(404, "Not Found",
    "There is nothing at this address. It may have moved, or the address has a slip in it.");
static const char failed[] = PAGE(500, "Internal Server Error",
    "Something went wrong on the server. If it does again, whoever runs the server should know.");
static const char busy[] = PAGE(503, "Service Unavailable",
    "The server has too much to do just now. Please try again in a moment.");
/* clang-format on */

struct error_page {
    int status;
    const char *page;
    size_t size;
};

static const struct error_page pages[] = {
    {403, forbidden, sizeof forbidden - 1},
    {404, not_found, sizeof not_found - 1},
    {500, failed, sizeof failed - 1},
    {503, busy, sizeof busy - 1},
};

/* What is said where a problem has no detail, by the hundreds of its status. */
static const char of_client[] = "The server can do nothing with what was asked.";
static const char of_server[] = "Something went wrong on the server.";

/* ── Who takes a page ── */

/* "text/html;q=0.5, application/json": how much the list wants either, at most. A star names nothing. */
static void weigh(leat_slice list, int *html, int *json)
{
    struct http_text rest = {list.data, list.size}, element;
    struct http_media media;
    while (leat__http_list_next(&rest, &element)) {
        if (!leat__http_media_parse(element, &media))
            continue;
        int weight = leat__http_weight_of(media.parameters);
        if (leat__http_media_is(&media, "text", "html"))
            *html = weight > *html ? weight : *html;
        else if (leat__http_media_is(&media, "application", "json") ||
                 leat__http_media_is(&media, "application", "problem+json"))
            *json = weight > *json ? weight : *json;
    }
}

static bool takes_page(leat_exchange *x)
{
    leat_slice name, value;
    int html = 0, json = 0;
    for (size_t i = 0; leat_field_at(x, i, &name, &value); i++)
        if (name.size == 6 && strncasecmp(name.data, "Accept", 6) == 0)
            weigh(value, &html, &json);
    return html > json;
}

/* ── A page of its own ── */

/* The detail as it stands in the problem's JSON, escaped; size 0: there is none. */
static leat_slice detail_of(const struct response *r)
{
    static const char before[] = ",\"detail\":\"";
    static const char behind[] = "\"}\n";
    const char *at = memmem(r->content, r->content_size, before, sizeof before - 1);
    if (at == NULL)
        return (leat_slice){NULL, 0};
    at += sizeof before - 1;
    return (leat_slice){at, (size_t)(r->content + r->content_size - at) - (sizeof behind - 1)};
}

/* From the inside of a JSON string of ours to HTML; answers how many octets that takes, and writes them if out is there. */
static size_t write_html(char *out, leat_slice json)
{
    size_t n = 0;
    for (size_t i = 0; i < json.size; i++) {
        char plain[2] = {json.data[i]};
        const char *piece = plain;
        if (plain[0] == '\\' && json.data[i + 1] == 'u') { /* a control character */
            plain[0] = ' ';
            i += 5;
        } else if (plain[0] == '\\') {
            plain[0] = strchr("nrtbf", json.data[i + 1]) == NULL ? json.data[i + 1] : ' ';
            i++;
        }
        if (plain[0] == '&')
            piece = "&amp;";
        else if (plain[0] == '<')
            piece = "&lt;";
        else if (plain[0] == '>')
            piece = "&gt;";
        size_t size = strlen(piece);
        if (out != NULL)
            memcpy(out + n, piece, size);
        n += size;
    }
    return n;
}

static char *put(char *at, const char *text, size_t size)
{
    memcpy(at, text, size);
    return at + size;
}

/* NULL: no room. */
static const char *write_page(struct leat_exchange *x, leat_slice detail, size_t *size)
{
    static const char before_title[] = BEFORE_TITLE, before_heading[] = BEFORE_HEADING,
                      before_sentence[] = BEFORE_SENTENCE, behind[] = BEHIND;
    char title[128], heading[160];
    const char *reason = leat__http_reason(x->response.status);
    int title_size = snprintf(title, sizeof title, "%u %s", x->response.status, reason);
    int heading_size = snprintf(heading, sizeof heading, "<h1><b>%u</b> %s</h1>\n",
                                x->response.status, reason);
    size_t room = sizeof before_title + sizeof before_heading + sizeof before_sentence +
                  sizeof behind + sizeof title + sizeof heading + write_html(NULL, detail);
    char *page = room < PLAN_CHUNK && leat__arena_reserve(&x->arena, room) == 0
                     ? arena_alloc(&x->arena, room)
                     : NULL;
    if (page == NULL)
        return NULL;
    char *at = put(page, before_title, sizeof before_title - 1);
    at = put(at, title, (size_t)title_size);
    at = put(at, before_heading, sizeof before_heading - 1);
    at = put(at, heading, (size_t)heading_size);
    at = put(at, before_sentence, sizeof before_sentence - 1);
    at += write_html(at, detail);
    at = put(at, behind, sizeof behind - 1);
    *size = (size_t)(at - page);
    return page;
}

/* ── The answer ── */

static const struct error_page *page_of(int status)
{
    for (size_t i = 0; i < COUNT_OF(pages); i++)
        if (pages[i].status == status)
            return &pages[i];
    return NULL;
}

void leat__error_page(struct leat_exchange *x)
{
    const struct response *r = &x->response;
    leat_slice detail = r->content != NULL ? detail_of(r) : (leat_slice){NULL, 0};
    const struct error_page *made = detail.size == 0 ? page_of(r->status) : NULL;
    size_t size;
    if (!takes_page(x))
        return;
    if (made != NULL) {
        leat__response_make(x, r->status, page_lines, sizeof page_lines - 1, made->page, made->size);
        return;
    }
    if (detail.size == 0)
        detail = r->status < 500 ? (leat_slice){of_client, sizeof of_client - 1}
                                 : (leat_slice){of_server, sizeof of_server - 1};
    const char *page = write_page(x, detail, &size);
    if (page != NULL)
        leat__response_make(x, r->status, page_lines, sizeof page_lines - 1, page, size);
}
