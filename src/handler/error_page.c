/* error_page.c: a page for each error that a folder or a site answers with. They are written whole at compile time: an
 * error page takes no memory, holds nothing of the request, and asks for nothing outside of itself. Its colours are the
 * listing's. What comes with the page alone stands in lines that go with its content, so that a site's own page, should it
 * take its place, comes without them. */
#define _GNU_SOURCE
#include "handler/error_page.h"

#include "exchange/exchange.h"
#include <strings.h>

static const char page_lines[] =
    "Content-Type: text/html; charset=utf-8\r\n"
    "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n"
    "X-Content-Type-Options: nosniff\r\n";

/* clang-format off */
#define PAGE(status, reason, sentence) \
    "<!doctype html>\n" \
    "<html lang='en'>\n" \
    "<head>\n" \
    "<meta charset='utf-8'>\n" \
    "<meta name='viewport' content='width=device-width, initial-scale=1'>\n" \
    "<meta name='color-scheme' content='light dark'>\n" \
    "<title>" #status " " reason "</title>\n" \
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
    "<main>\n" \
    "<h1><b>" #status "</b> " reason "</h1>\n" \
    "<svg viewBox='0 0 600 24' preserveAspectRatio='none' aria-hidden='true'>\n" \
    "<defs><linearGradient id='w'><stop offset='0' style='stop-color:var(--far)'/><stop offset='1' style='stop-color:var(--water)'/></linearGradient></defs>\n" \
    "<path style='fill:var(--bed)' d='M0 17C95 6 165 11 260 14s215-13 340-3v7c-125-10-245 3-340 3S95 11 0 21z'/>\n" \
    "<path fill='url(#w)' d='M0 17C95 6 165 11 260 14s215-13 340-3v4c-125-10-245 3-340 3S95 8 0 18z'/>\n" \
    "</svg>\n" \
    "<p>" sentence "</p>\n" \
    "</main>\n" \
    "</body>\n" \
    "</html>\n"

static const char forbidden[] = PAGE(403, "Forbidden",
    "There is something at this address, but the server is not allowed to show it.");
static const char not_found[] = PAGE(404, "Not Found",
    "There is nothing at this address. It may have moved, or the address has a slip in it.");
static const char misdirected[] = PAGE(421, "Misdirected Request",
    "No site of this server has the name that was asked for. Perhaps the name leads to the wrong machine.");
static const char failed[] = PAGE(500, "Internal Server Error",
    "Something went wrong on the server. If it does again, whoever runs the server should know.");
static const char busy[] = PAGE(503, "Service Unavailable",
    "The server has too much to do just now. Please try again in a moment.");
/* clang-format on */

struct error_page {
    int status;
    const char *page;
    size_t size;
    const char *detail; /* of the problem, where there is no page; NULL: its title says it all */
};

static const struct error_page pages[] = {
    {403, forbidden, sizeof forbidden - 1, NULL},
    {404, not_found, sizeof not_found - 1, NULL},
    {421, misdirected, sizeof misdirected - 1, "No site of this server answers for this host"},
    {500, failed, sizeof failed - 1, NULL},
    {503, busy, sizeof busy - 1, NULL},
};

/* ── Who takes a page ── */

/* What stands before the separator, without blanks around it; rest is what stands behind. */
static leat_slice take(leat_slice *rest, char separator)
{
    leat_slice piece = *rest;
    const char *end = memchr(rest->data, separator, rest->size);
    if (end != NULL)
        piece.size = (size_t)(end - rest->data);
    size_t taken = piece.size + (end != NULL);
    *rest = (leat_slice){rest->data + taken, rest->size - taken};
    while (piece.size > 0 && (*piece.data == ' ' || *piece.data == '\t'))
        piece = (leat_slice){piece.data + 1, piece.size - 1};
    while (piece.size > 0 && (piece.data[piece.size - 1] == ' ' || piece.data[piece.size - 1] == '\t'))
        piece.size--;
    return piece;
}

/* A weight is 0 to 1 (RFC 9110 12.4.2): above 0 is what has another digit than 0. */
static bool is_above_zero(leat_slice weight)
{
    for (size_t i = 0; i < weight.size; i++)
        if (weight.data[i] >= '1' && weight.data[i] <= '9')
            return true;
    return false;
}

/* "text/html;q=0.5, image/png": whether the list names HTML, and wants it. */
static bool names_html(leat_slice list)
{
    while (list.size > 0) {
        leat_slice element = take(&list, ',');
        if (element.size == 0)
            continue;
        leat_slice type = take(&element, ';');
        bool wanted = type.size == 9 && strncasecmp(type.data, "text/html", 9) == 0;
        while (wanted && element.size > 0) {
            leat_slice parameter = take(&element, ';');
            if (parameter.size >= 2 && strncasecmp(parameter.data, "q=", 2) == 0)
                wanted = is_above_zero((leat_slice){parameter.data + 2, parameter.size - 2});
        }
        if (wanted)
            return true;
    }
    return false;
}

static bool takes_page(leat_exchange *x)
{
    leat_slice name, value;
    for (size_t i = 0; leat_field_at(x, i, &name, &value); i++)
        if (name.size == 6 && strncasecmp(name.data, "Accept", 6) == 0 && names_html(value))
            return true;
    return false;
}

/* ── The answer ── */

static const struct error_page *page_of(int status)
{
    for (size_t i = 0; i < COUNT_OF(pages); i++)
        if (pages[i].status == status)
            return &pages[i];
    return NULL;
}

void leat__error_page(leat_exchange *x, int status)
{
    const struct error_page *page = page_of(status);
    leat_field_add(x, "Vary", "Accept");
    if (page == NULL || !takes_page(x)) {
        leat_problem(x, status, page != NULL ? page->detail : NULL);
        return;
    }
    response_forget(x);
    if (status == 503 && !leat__response_has_field(x, "Retry-After"))
        leat_field_set(x, "Retry-After", "1");
    leat__response_make(x, status, page_lines, sizeof page_lines - 1, page->page, page->size);
}
