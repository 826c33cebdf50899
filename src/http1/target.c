/* target.c: what a request's target names (RFC 9112 3.2): its form, path, query and authority. */
#include "http1/classes.h"
#include "http1/head.h"

bool leat__http1_is_encoded(const char *text, size_t size)
{
    const char *end = text + size;
    while ((text = memchr(text, '%', (size_t)(end - text))) != NULL) {
        if (end - text < 3 || !octet_is(text[1], CLASS_HEX) || !octet_is(text[2], CLASS_HEX) ||
            (text[1] == '0' && text[2] == '0'))
            return false;
        text += 3;
    }
    return true;
}

/* Four numbers up to 255, as a URI writes them: no more than three digits each. */
static bool is_ipv4(const char *at, const char *end)
{
    for (unsigned numbers = 1; numbers <= 4; numbers++) {
        const char *first = at;
        unsigned number = 0;
        while (at < end && at - first < 3 && octet_is(*at, CLASS_DIGIT))
            number = number * 10 + (unsigned)(*at++ - '0');
        if (at == first || number > 255)
            return false;
        if (numbers == 4)
            return at == end;
        if (at == end || *at++ != '.')
            return false;
    }
    return false;
}

/* Up to eight groups of up to four digits, an IPv4 address for the last two, and at most one "::"
 * for one or more. */
static bool is_ipv6(const char *at, const char *end)
{
    unsigned groups = 0;
    bool gap = false, open = false; /* open: a colon that wants a group behind it */
    while (at < end) {
        if (end - at >= 2 && at[0] == ':' && at[1] == ':') {
            if (gap)
                return false;
            gap = true;
            open = false;
            at += 2;
            continue;
        }
        if (groups > 0 && !open && at[-1] != ':') {
            if (*at++ != ':')
                return false;
            open = true;
            continue;
        }
        const char *first = at;
        while (at < end && octet_is(*at, CLASS_HEX))
            at++;
        if (at < end && *at == '.') {
            groups += 2;
            return is_ipv4(first, end) && (gap ? groups < 8 : groups == 8);
        }
        if (at == first || at - first > 4)
            return false;
        open = false;
        groups++;
    }
    return !open && (gap ? groups < 8 : groups == 8);
}

static bool is_port(const char *at, const char *end, bool needs_port)
{
    unsigned port = 0;
    if (at == end)
        return !needs_port;
    if (*at++ != ':' || (at == end && needs_port))
        return false;
    for (; at < end; at++) {
        if (!octet_is(*at, CLASS_DIGIT))
            return false;
        port = port * 10 + (unsigned)(*at - '0');
        if (port > 65535)
            return false;
    }
    return true;
}

bool leat__http1_is_authority(const char *text, size_t size, bool needs_port)
{
    const char *at = text, *end = text + size;
    if (at < end && *at == '[') {
        const char *close = memchr(at, ']', size);
        return close != NULL && is_ipv6(at + 1, close) && is_port(close + 1, end, needs_port);
    }
    while (at < end && octet_is(*at, CLASS_NAME))
        at++;
    if (at < end && *at == '%') {
        while (at < end && (octet_is(*at, CLASS_NAME) || *at == '%'))
            at++;
        if (!leat__http1_is_encoded(text, (size_t)(at - text)))
            return false;
    }
    return at != text && is_port(at, end, needs_port);
}

/* Path and query from at to the target's end. */
static enum http1_result split_path(struct http1_head *h, const char *bytes, uint32_t at)
{
    uint32_t end = (uint32_t)h->target_at + h->target_size;
    const char *mark = memchr(bytes + at, '?', end - at);
    uint32_t path_end = mark != NULL ? (uint32_t)(mark - bytes) : end;
    for (uint32_t i = at; i < path_end; i++) {
        if (!octet_is(bytes[i], CLASS_PATH))
            return head_bad(h, 400, "an octet that no path may hold");
        if (bytes[i] == '%')
            h->flags |= HTTP1_PERCENT;
    }
    if ((h->flags & HTTP1_PERCENT) != 0 && !leat__http1_is_encoded(bytes + at, path_end - at))
        return head_bad(h, 400, "the path's percent-encoding is malformed");
    h->path_at = (uint16_t)at;
    h->path_size = (uint16_t)(path_end - at);
    if (mark != NULL) {
        h->query_at = (uint16_t)(path_end + 1);
        h->query_size = (uint16_t)(end - path_end - 1);
    }
    return HTTP1_DONE;
}

/* Octets of "http://" or "https://", or 0. The scheme is what a name's case means nothing to. */
static uint32_t scheme_size(const char *target, size_t size)
{
    static const char https[] = "https";
    uint32_t i = 0;
    while (i < 5 && i < size && (target[i] | 0x20) == https[i])
        i++;
    bool known = i >= 4 && size > i + 3 && memcmp(target + i, "://", 3) == 0;
    return known ? i + 3 : 0;
}

static enum http1_result split_absolute(struct http1_head *h, const char *bytes)
{
    const char *target = bytes + h->target_at, *end = target + h->target_size;
    uint32_t scheme = scheme_size(target, h->target_size);
    if (scheme == 0)
        return head_bad(h, 400, "a target of no form that is known");
    const char *authority = target + scheme, *at = authority;
    while (at < end && *at != '/' && *at != '?')
        at++;
    if (!leat__http1_is_authority(authority, (size_t)(at - authority), false))
        return head_bad(h, 400, "the target's authority is malformed");
    h->form = HTTP1_ABSOLUTE;
    h->authority_at = (uint16_t)(authority - bytes);
    h->authority_size = (uint16_t)(at - authority);
    return split_path(h, bytes, (uint32_t)(at - bytes));
}

enum http1_result leat__http1_split_target(struct http1_head *h, const char *bytes)
{
    const char *target = bytes + h->target_at;
    if (h->method == HTTP_CONNECT) {
        if (!leat__http1_is_authority(target, h->target_size, true))
            return head_bad(h, 400, "CONNECT needs a host and a port");
        h->form = HTTP1_AUTHORITY;
        h->authority_at = h->target_at;
        h->authority_size = h->target_size;
        return HTTP1_DONE;
    }
    if (target[0] == '/') {
        h->form = HTTP1_ORIGIN;
        return split_path(h, bytes, h->target_at);
    }
    if (h->target_size == 1 && target[0] == '*') {
        h->form = HTTP1_ASTERISK;
        return h->method == HTTP_OPTIONS
                   ? HTTP1_DONE
                   : head_bad(h, 400, "an asterisk is a target for OPTIONS only");
    }
    return split_absolute(h, bytes);
}
