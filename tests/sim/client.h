/* client.h: the model clients: each one knows what it asked, and checks every octet that it gets for it. */
#ifndef SIM_CLIENT_H
#define SIM_CLIENT_H

#include "sim/talk.h"

enum { CLIENT_ASKED_MAX = 24 };

enum persona {
    POLITE,
    HALF_CLOSER, /* shuts down its side behind the last request, and wants all answers */
    MALFORMED,   /* polite until its last request, which must be refused */
    /* These want nothing, and what they get must come in time. */
    SILENT,
    SLOW_HEAD,
    SLOW_CONTENT,
    /* These get what they get. */
    NEVER_READS,
    SLOW_READER,
    QUITTER, /* closes at any moment */
    RESETTER,
    PERSONAS,
    CALM_PERSONAS = NEVER_READS, /* those before it know exactly what they get, when nothing goes wrong */
};

struct world;

struct client {
    struct world *world;
    struct sim_random random;
    enum persona persona;
    uint32_t number, connection;
    bool connected, done;
    bool over;  /* the last reply has come: only the end may follow */
    bool loose; /* a HEAD was refused before the server knew that it was one: content may follow */
    bool shut;  /* our side is */
    struct stream out;
    struct reply reply;
    struct request asked[CLIENT_ASKED_MAX]; /* not answered yet, the oldest first */
    uint32_t asked_count;
    uint32_t to_ask, tokens, answered;
    uint32_t burst_max;    /* requests at once */
    uint32_t piece_max;    /* octets at once; 0: as many as go */
    uint32_t pace_us;      /* between two pieces */
    uint32_t think_us;     /* between a burst's last answer and the next burst */
    int64_t not_before_us; /* the next piece, or the next burst */
    int64_t continue_us;   /* until when 100 is waited for; 0: not waiting */
    int64_t born_us;
    int64_t spoke_us;    /* who dawdles: the server's clock runs since then; 0: not yet */
    uint64_t clock_from; /* … because the stream was sent up to here */
    int64_t pause_us;    /* … until when it sends no more */
    int64_t progress_us; /* octets moved */
    int64_t quit_us;     /* quitter, resetter */
    uint64_t jumped_ms;  /* the clock's jumps when it last made progress */
    uint64_t born_jumped_ms;
};

/* Draws a personality and connects. false: not now (the backlog is full). */
bool client_start(struct client *c, struct world *world, uint32_t number, uint64_t seed, int listener);
/* Something is new. */
void client_on_event(struct client *c);

const char *persona_name(enum persona persona);

#endif
