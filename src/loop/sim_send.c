/* sim_send.c: sends of the simulated backend: all at once, a piece at a time, or later, as the seed will have it.
 *
 * A struct loop_send and the bytes it points to belong to the loop from arm to completion. That is checked: what
 * describes it is hashed whenever we put it away, and must have the same hash whenever we come back to it. Of the bytes
 * a sum is kept, from which what goes out is taken away as it goes: when all are out, nothing must be left of it, and
 * when the send is broken off, what the bytes left over add up to. */
#include "loop/sim_inside.h"
#include <errno.h>

static uint64_t mix(uint64_t h, uint64_t word)
{
    h = (h ^ word) * 0x9e3779b97f4a7c15u;
    return h ^ h >> 32;
}

static uint64_t hash_send(const struct loop_send *send)
{
    uint64_t h = mix(send->part_count, (uint64_t)send->file);
    h = mix(mix(mix(h, send->file_offset), send->file_left), send->sent);
    for (const struct iovec *part = send->at; part < send->parts + send->part_count; part++)
        h = mix(mix(h, (uintptr_t)part->iov_base), part->iov_len);
    return h;
}

static uint64_t left_in_parts(const struct loop_send *send)
{
    uint64_t left = 0;
    for (const struct iovec *part = send->at; part < send->parts + send->part_count; part++)
        left += part->iov_len;
    return left;
}

/* Every byte counts as often as there are bytes from it to the end: left, of all parts together, for the first. */
static struct sim_sum sum_bytes(const void *bytes, size_t size, uint64_t left)
{
    const unsigned char *at = bytes;
    struct sim_sum sum = {0};
    for (size_t i = 0; i < size; i++) {
        sum.plain += at[i];
        sum.weighted += at[i] * (left - i);
    }
    return sum;
}

static struct sim_sum sum_send(const struct loop_send *send)
{
    struct sim_sum all = {0};
    uint64_t left = left_in_parts(send);
    for (const struct iovec *part = send->at; part < send->parts + send->part_count; part++) {
        struct sim_sum its = sum_bytes(part->iov_base, part->iov_len, left);
        all.plain += its.plain;
        all.weighted += its.weighted;
        left -= part->iov_len;
    }
    return all;
}

void leat__sim_send_check(const struct sim_connection *c)
{
    if (c->send == NULL)
        return;
    ASSERT(c->send_hash == hash_send(c->send));
    struct sim_sum sum = sum_send(c->send);
    ASSERT(c->send_sum.plain == sum.plain && c->send_sum.weighted == sum.weighted);
}

static void send_part(struct sim_connection *c, struct loop_send *send, uint32_t *room)
{
    uint32_t n = (uint32_t)size_min(send->at->iov_len, *room);
    if (c->send == send) {
        struct sim_sum sum = sum_bytes(send->at->iov_base, n, left_in_parts(send));
        c->send_sum.plain -= sum.plain;
        c->send_sum.weighted -= sum.weighted;
    }
    leat__sim_pipe_write(&c->out, send->at->iov_base, n);
    send->at->iov_base = (char *)send->at->iov_base + n;
    send->at->iov_len -= n;
    send->sent += n;
    *room -= n;
    if (send->at->iov_len == 0)
        send->at++;
}

static void send_file(struct simulation *s, struct loop_send *send, struct sim_pipe *p, uint32_t *room)
{
    char piece[1024];
    uint32_t n = (uint32_t)size_min(size_min(send->file_left, *room), sizeof piece);
    if (s->options.read_file != NULL)
        s->options.read_file(s->options.context, send->file, send->file_offset, piece, n);
    else
        for (uint32_t i = 0; i < n; i++)
            piece[i] = sim_file_octet(send->file, send->file_offset + i);
    leat__sim_pipe_write(p, piece, n);
    send->file_offset += n;
    send->file_left -= n;
    send->sent += n;
    *room -= n;
}

/* One step of a send: as much as there is room for, or less. True when all of it is with the network. */
static bool send_step(struct simulation *s, struct sim_connection *c, struct loop_send *send)
{
    struct sim_pipe *p = &c->out;
    uint32_t room = sim_pipe_room(p);
    if (room > 0 && sim_fault(s, s->faults.short_send))
        room = 1 + sim_below(&s->random, room);
    if (p->step_max > 0)
        room = (uint32_t)size_min(room, p->step_max);
    const struct iovec *end = send->parts + send->part_count;
    uint64_t before = p->written;
    while (send->at < end && (room > 0 || send->at->iov_len == 0))
        send_part(c, send, &room);
    while (send->at == end && send->file >= 0 && send->file_left > 0 && room > 0)
        send_file(s, send, p, &room);
    s->counts.bytes_out += p->written - before;
    sim_note(s, p->written);
    if (p->written != before)
        leat__sim_server_wrote(s, c);
    return send->at == end && (send->file < 0 || send->file_left == 0);
}

void leat__sim_server_writable(struct simulation *s, struct sim_connection *c)
{
    if (c->send != NULL && (sim_pipe_room(&c->out) > 0 || c->server_reset))
        leat__sim_schedule(s, c, SIM_SEND, sim_delay(s, c->out.delay_us_max));
}

static int broken_error(struct simulation *s)
{
    return sim_below(&s->random, 2) == 0 ? -EPIPE : -ECONNRESET;
}

int leat__sim_arm_send(struct loop *loop, struct slot *slot, struct loop_send *send)
{
    struct sim_connection *c = sim_connection_of(loop, slot);
    struct simulation *s = sim_loop_of(loop)->simulation;
    ASSERT(!(slot->loop_flags & (SLOT_CLOSING | SLOT_SEND_ARMED)));
    ASSERT(!c->out.fin_sent);
    ASSERT(send->part_count <= LOOP_SEND_PARTS);
    send->at = send->parts;
    s->counts.sends++;
    if (!sim_fault(s, s->faults.late_send)) {
        if (c->server_reset)
            return broken_error(s);
        if (send_step(s, c, send))
            return 1;
    }
    slot->loop_flags |= SLOT_SEND_ARMED;
    c->send = send;
    c->send_hash = hash_send(send);
    c->send_sum = sum_send(send);
    s->counts.pended++;
    leat__sim_server_writable(s, c);
    return 0;
}

static void send_over(struct sim_loop *l, struct sim_connection *c, int error)
{
    leat__sim_send_check(c);
    c->send = NULL;
    c->slot->loop_flags &= (uint8_t)~SLOT_SEND_ARMED;
    l->loop->events->on_sent(l->loop->context, c->slot, error);
}

void leat__sim_send_due(struct sim_loop *l, struct sim_connection *c)
{
    struct simulation *s = l->simulation;
    bool closing = c->slot->loop_flags & SLOT_CLOSING;
    ASSERT(c->send != NULL && c->send_hash == hash_send(c->send));
    bool done = false;
    if (!c->server_reset)
        done = send_step(s, c, c->send);
    c->send_hash = hash_send(c->send);
    if (closing)
        return;
    if (c->server_reset)
        send_over(l, c, broken_error(s));
    else if (done)
        send_over(l, c, 0);
    else
        leat__sim_server_writable(s, c);
}

void leat__sim_shutdown_write(struct loop *loop, struct slot *slot)
{
    struct sim_connection *c = sim_connection_of(loop, slot);
    ASSERT(!(slot->loop_flags & (SLOT_CLOSING | SLOT_SEND_ARMED)));
    if (c->out.fin_sent || c->server_reset)
        return;
    c->out.fin_sent = true;
    leat__sim_server_wrote(sim_loop_of(loop)->simulation, c);
}
