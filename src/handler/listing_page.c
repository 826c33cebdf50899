/* listing_page.c: the page of a listing: its order, its links and its looks.
 *
 * Names are whatever somebody called their files. In links every octet but the plainest is percent-encoded, so that no
 * name is taken for a scheme, a query or a way up; in text what HTML gives a meaning to is escaped, and what is no UTF-8,
 * a control, or turns the direction of writing round becomes U+FFFD, so that a name looks like what it is. */
#include "handler/listing_page.h"

#include "memory/plan.h"
#include <stdio.h>

/* ── The order ── */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

/* Compares the numbers that *a and *b begin with, and moves behind them. */
static int compare_numbers(const char **a, const char **b)
{
    while (**a == '0')
        ++*a;
    while (**b == '0')
        ++*b;
    size_t a_size = strspn(*a, "0123456789"), b_size = strspn(*b, "0123456789");
    int order = a_size != b_size ? (a_size < b_size ? -1 : 1) : memcmp(*a, *b, a_size);
    *a += a_size;
    *b += b_size;
    return order;
}

int leat__listing_compare(const struct listing_item *left, const struct listing_item *right)
{
    if (left->is_folder != right->is_folder)
        return left->is_folder ? -1 : 1;
    const char *a = left->name, *b = right->name;
    while (*a != '\0' && *b != '\0') {
        if (is_digit(*a) && is_digit(*b)) {
            int order = compare_numbers(&a, &b);
            if (order != 0)
                return order;
        } else if (lower(*a) != lower(*b)) {
            break;
        } else {
            a++;
            b++;
        }
    }
    if (lower(*a) != lower(*b))
        return lower(*a) < lower(*b) ? -1 : 1;
    return strcmp(left->name, right->name);
}

static struct listing_item *merge(struct listing_item *a, struct listing_item *b)
{
    struct listing_item *first = NULL, **link = &first;
    while (a != NULL && b != NULL) {
        struct listing_item **lesser = leat__listing_compare(a, b) <= 0 ? &a : &b;
        *link = *lesser;
        link = &(*lesser)->next;
        *lesser = *link;
    }
    *link = a != NULL ? a : b;
    return first;
}

/* runs[i] is sorted and holds 2^i items, or none. */
struct listing_item *leat__listing_sort(struct listing_item *items)
{
    struct listing_item *runs[32] = {NULL}, *sorted = NULL;
    while (items != NULL) {
        struct listing_item *run = items;
        unsigned i = 0;
        items = items->next;
        run->next = NULL;
        for (; runs[i] != NULL; runs[i++] = NULL)
            run = merge(runs[i], run);
        runs[i] = run;
    }
    for (unsigned i = 0; i < COUNT_OF(runs); i++)
        sorted = merge(runs[i], sorted);
    return sorted;
}

/* ── Text ── */

struct page {
    char *out; /* NULL: only counted */
    size_t size;
};

static void add_octets(struct page *p, const char *octets, size_t size)
{
    if (p->out != NULL)
        memcpy(p->out + p->size, octets, size);
    p->size += size;
}

static void add(struct page *p, const char *text)
{
    add_octets(p, text, strlen(text));
}

/* Octets of the UTF-8 character at text; *shown: whether it may stand in a page as it is. What is none is one octet. */
static size_t character_size(const unsigned char *text, size_t left, bool *shown)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t size = text[0] < 0xc0 ? 1 : text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;
    *shown = text[0] >= 0x20 && text[0] < 0x7f;
    if (size == 1 || size > left || text[0] > 0xf4)
        return 1;
    uint32_t point = text[0] & (0x7fu >> size);
    for (size_t i = 1; i < size; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 1;
        point = point << 6 | (text[i] & 0x3f);
    }
    if (point < smallest[size] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
        return 1;
    bool turns = point == 0x61c || (point >= 0x200e && point <= 0x200f) ||
                 (point >= 0x2028 && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069);
    *shown = point >= 0xa0 && !turns;
    return size;
}

static void add_escaped(struct page *p, const char *text, size_t size)
{
    for (size_t i = 0; i < size;) {
        bool shown;
        char escape[8];
        size_t octets = character_size((const unsigned char *)text + i, size - i, &shown);
        if (!shown) {
            add(p, "\xef\xbf\xbd");
        } else if (octets == 1 && strchr("&<>\"'", text[i]) != NULL) {
            snprintf(escape, sizeof escape, "&#%d;", text[i]);
            add(p, escape);
        } else {
            add_octets(p, text + i, octets);
        }
        i += octets;
    }
}

static void add_encoded(struct page *p, const char *text, size_t size)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        bool is_plain = is_digit(text[i]) || (lower(text[i]) >= 'a' && lower(text[i]) <= 'z') ||
                        strchr("-._~", text[i]) != NULL;
        if (is_plain)
            add_octets(p, text + i, 1);
        else
            add_octets(p, (const char[]){'%', hex[c >> 4], hex[c & 15]}, 3);
    }
}

/* ── Pieces of the page ── */

/* The segment at *at, and where it ends; false: there is none left. */
static bool next_segment(const char **at, size_t *size)
{
    *at += strspn(*at, "/");
    *size = strcspn(*at, "/");
    return *size > 0;
}

static unsigned depth_of(const char *path)
{
    unsigned depth = 0;
    for (size_t size; next_segment(&path, &size); path += size)
        depth++;
    return depth;
}

static void add_root_name(struct page *p, const struct listing *l)
{
    if (l->authority.size > 0)
        add_escaped(p, l->authority.data, l->authority.size);
    else
        add(p, "Home");
}

static void add_crumb_link(struct page *p, unsigned levels_up)
{
    add(p, "<a href='./");
    for (unsigned i = 0; i < levels_up; i++)
        add(p, "../");
    add(p, "'>");
}

static void add_crumbs(struct page *p, const struct listing *l)
{
    unsigned depth = depth_of(l->path);
    const char *at = l->path;
    add(p, "<nav aria-label='Where we are'><h1>");
    if (depth > 0)
        add_crumb_link(p, depth);
    add_root_name(p, l);
    add(p, depth > 0 ? "</a>" : "");
    for (size_t size; next_segment(&at, &size); at += size) {
        add(p, "<i>/</i>");
        if (--depth > 0)
            add_crumb_link(p, depth);
        add(p, "<bdi>");
        add_escaped(p, at, size);
        add(p, depth > 0 ? "</bdi></a>" : "</bdi>");
    }
    add(p, "</h1></nav>\n");
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* The drawing of listing_style.c that stands for a file's media type. */
static const char *drawing_of(const struct listing_item *item)
{
    static const char *const packed[] = {"zip",     "gzip",         "x-tar",    "x-7z",
                                         "x-xz",    "zstd",         "x-bzip",   "x-rar",
                                         "vnd.rar", "java-archive", "x-brotli", "vnd.debian"};
    static const char *const written[] = {"json",  "javascript", "xml",  "pdf",
                                          "xhtml", "rtf",        "toml", "yaml"};
    const char *type = leat__http_type_of(item->name, item->name_size);
    if (item->is_folder)
        return "d";
    if (begins(type, "image/"))
        return "p";
    if (begins(type, "audio/"))
        return "m";
    if (begins(type, "video/"))
        return "v";
    if (begins(type, "text/"))
        return "t";
    for (size_t i = 0; begins(type, "application/") && i < COUNT_OF(packed); i++)
        if (strstr(type, packed[i]) != NULL)
            return "z";
    for (size_t i = 0; begins(type, "application/") && i < COUNT_OF(written); i++)
        if (strstr(type, written[i]) != NULL)
            return "t";
    return "f";
}

static void add_drawing(struct page *p, const char *name)
{
    add(p, "<svg aria-hidden='true'><use href='#");
    add(p, name);
    add(p, "'/></svg>");
}

/* "21 Nov 2026, 11:14" */
static void add_time(struct page *p, int64_t modified_s)
{
    char date[HTTP_DATE_SIZE];
    static const int64_t last = 253402300799; /* of the year 9999 */
    leat__http_date_write(date, modified_s < 0 ? 0 : modified_s > last ? last : modified_s);
    add_octets(p, date + 5, 11);
    add(p, ", ");
    add_octets(p, date + 17, 5);
}

static void add_item(struct page *p, const struct listing_item *item)
{
    char human[PLAN_HUMAN_SIZE];
    add(p, item->is_folder ? "<tr class='d'><td>" : "<tr><td>");
    add_drawing(p, drawing_of(item));
    add(p, "<a href='");
    add_encoded(p, item->name, item->name_size);
    add(p, item->is_folder ? "/'><bdi>" : "'><bdi>");
    add_escaped(p, item->name, item->name_size);
    add(p, item->is_folder ? "</bdi>/</a></td><td>" : "</bdi></a></td><td>");
    if (item->is_known && !item->is_folder)
        add(p, leat__plan_human(human, item->size));
    add(p, "</td><td>");
    if (item->is_known)
        add_time(p, item->modified_s);
    add(p, "</td></tr>\n");
}

static void add_count(struct page *p, uint32_t count, const char *one, const char *many)
{
    char text[64];
    if (count == 0)
        return;
    snprintf(text, sizeof text, "<span>%u %s</span>", count, count == 1 ? one : many);
    add(p, text);
}

static void add_sum(struct page *p, const struct listing *l)
{
    char human[PLAN_HUMAN_SIZE];
    add(p, "<p class='sum'>");
    add_count(p, l->folders, "folder", "folders");
    add_count(p, l->files, "file", "files");
    if (l->files > 0) {
        add(p, "<span>");
        add(p, leat__plan_human(human, l->size));
        add(p, "</span>");
    }
    add(p, "</p>\n");
    if (l->is_cut)
        add(p, "<p class='cut'>There is more in this folder than is shown here. The rest is served "
               "all "
               "the same, by its name.</p>\n");
}

static void add_table(struct page *p, const struct listing *l)
{
    add(p, "<table>\n<thead><tr><th scope='col'>Name</th><th scope='col'>Size</th>"
           "<th scope='col'>Changed, UTC</th></tr></thead>\n<tbody>\n");
    if (depth_of(l->path) > 0) {
        add(p, "<tr class='d'><td>");
        add_drawing(p, "u");
        add(p, "<a href='../'>Up</a></td><td></td><td></td></tr>\n");
    }
    for (const struct listing_item *item = l->items; item != NULL; item = item->next)
        add_item(p, item);
    add(p, "</tbody>\n</table>\n");
}

size_t leat__listing_write(char *out, const struct listing *l)
{
    struct page page, *p = &page;
    const char *at = l->path;
    page.out = out;
    page.size = 0;
    add(p, leat__listing_head);
    for (size_t size; next_segment(&at, &size); at += size) {
        add_escaped(p, at, size);
        add(p, "/ ");
    }
    add(p, depth_of(l->path) > 0 ? "\xc2\xb7 " : "");
    add_root_name(p, l);
    add(p, leat__listing_style);
    add_crumbs(p, l);
    add_table(p, l);
    if (l->items == NULL)
        add(p, "<p class='none'>There is nothing in this folder.</p>\n");
    else
        add_sum(p, l);
    add(p, "</main>\n</body>\n</html>\n");
    return page.size;
}
