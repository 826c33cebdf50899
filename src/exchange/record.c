/* record.c: who asked, and what is written down of it. */
#include "base/clock.h"
#include "exchange/exchange.h"

static struct net_peer *remembered(const struct leat_exchange *x)
{
    char *peers = x->common->memory->peers;
    _Static_assert(sizeof(struct net_peer) == PLAN_PEER, "as the plan counts it");
    return peers ? (struct net_peer *)(void *)peers + (x->slot - x->common->slots) : NULL;
}

void leat__exchange_peer(struct leat_exchange *x, struct net_peer *peer)
{
    struct net_peer *known = remembered(x);
    if (known != NULL && known->family != 0) {
        *peer = *known;
        return;
    }
    leat__net_peer(x->slot->fd, peer);
    if (known != NULL)
        *known = *peer;
}

const char *leat_peer(leat_exchange *x)
{
    struct net_peer peer;
    char *text = arena_alloc(&x->arena, NET_PEER_TEXT);
    if (text == NULL)
        return "";
    leat__exchange_peer(x, &peer);
    text[leat__net_peer_text(&peer, text)] = '\0';
    return text;
}

static struct access_text text_of(leat_slice slice)
{
    return (struct access_text){slice.data, slice.size};
}

static struct access_text text_of_string(const char *text)
{
    return (struct access_text){text, text != NULL ? strlen(text) : 0};
}

static void add_details(const struct leat_exchange *x, struct access_record *record)
{
    const struct exchange_notes *notes = x->notes;
    record->time_ms = leat__clock_realtime_ms();
    record->ticks = x->began != 0 ? metrics_ticks() - x->began : 0;
    record->route = text_of_string(x->link != NULL ? x->chain->pattern : NULL);
    record->request_id = text_of_string(notes != NULL ? notes->request_id : NULL);
    record->principal = text_of_string(notes != NULL ? notes->principal : NULL);
}

void leat__exchange_log(struct leat_exchange *x)
{
    const struct http1_head *head = &x->head;
    struct net_peer peer;
    struct access_record record;
    if (!(x->flags & X_SENT))
        return;
    leat__exchange_peer(x, &peer);
    record.host[leat__net_peer_text(&peer, record.host)] = '\0';
    record.time_s = *x->common->now_s;
    record.status = x->response.status;
    record.minor = head->minor;
    record.octets = x->response.bare ? 0 : x->response.content_size - leat__exchange_unsent(x);
    if (x->way.stream == STREAM_SIZED)
        record.octets -= x->stream_left; /* announced and not written */
    record.method = record.target = (struct access_text){"", 0};
    if (head->method_size > 0 && head->target_size > 0) { /* else it was never understood */
        record.method = (struct access_text){x->bytes + head->method_at, head->method_size};
        record.target = (struct access_text){x->bytes + head->target_at, head->target_size};
    }
    record.referer = text_of(leat_field(x, "Referer"));
    record.user_agent = text_of(leat_field(x, "User-Agent"));
    record.has_details = x->common->log->wants_details;
    if (UNLIKELY(record.has_details))
        add_details(x, &record);
    leat__access_put(x->common->log, &record);
}
