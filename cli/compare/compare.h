/* compare.h: `leat compare`: two servers or more, measured in turns until it is known which one is better, and by how much.
 *
 *     words.c       a command line → words; {name} → value     candidates.c  A B …, --vary → candidates
 *     options.c     flags                                      server.c      a server is started, waited for, ended
 *     measure.c     one measurement: a server, a load          rounds.c      rounds in random order, until the rule says so
 *     statistics.c  medians, intervals, tests                  rule.c        when to look, and what may be said then
 *     tell.c        for people      json.c  for programs       draw.c        as a picture
 *
 * A machine's speed wanders: by the minute, by its neighbours, by its temperature. So nothing is compared across minutes.
 * A round measures every candidate once, one after the other, and only the ratios within a round are used. The order within
 * a round is drawn by lot, and that is what everything rests on: were A and B the same, then which of a round's two figures
 * is called A's would be the toss of a coin, whatever the noise looks like, however it drifts and however it is correlated.
 * The tests of statistics.c ask for nothing else. */
#ifndef LEAT_COMPARE_H
#define LEAT_COMPARE_H

#include "load/load.h"
#include <signal.h>

enum {
    COMPARE_CANDIDATES_MAX = 64,
    COMPARE_WORDS_MAX = 256,  /* of a command */
    COMPARE_TEXT_SIZE = 8192, /* of a command, filled */
    COMPARE_VARY_MAX = 8,     /* settings */
    COMPARE_VALUES_MAX = 32,  /* of a setting */
    COMPARE_NAME_SIZE = 96,   /* of a candidate */
    COMPARE_ROUNDS_MAX = 400, /* what the tests can do in a moment */
    COMPARE_LOOKS_MAX = 4,
    COMPARE_ERROR_SIZE = 1024,
    COMPARE_FLAGS_MAX = 64, /* the load's */
};

/* Exit statuses beside MAIN_DONE, MAIN_USAGE and MAIN_SYSTEM (server/main.h). */
enum { COMPARE_UNAVAILABLE = 69, COMPARE_INTERRUPTED = 130 };

/* ── Words ── (words.c) */

struct compare_words {
    uint32_t count;
    char *word[COMPARE_WORDS_MAX + 1]; /* in text; the last is NULL, as execvp wants it */
    size_t size;
    char text[COMPARE_TEXT_SIZE];
};

/* A name and what stands for it. */
struct compare_setting {
    char name[32];
    char value[128];
};

/* The words of a command line as a shell would see them: blanks part them, '…', "…" and \ keep together. What only a shell
 * can do (pipes, variables, …) is refused unless it is quoted. 0; -EINVAL or -E2BIG, and error. */
int leat__compare_words_split(struct compare_words *w, const char *line, char *error, size_t error_size);
/* {name} in every word becomes its value; what is no name of a setting stays. 0 or -E2BIG. */
int leat__compare_words_fill(struct compare_words *to, const struct compare_words *from,
                             const struct compare_setting *settings, uint32_t count);
/* The same for one text. */
int leat__compare_fill(char *to, size_t size, const char *from,
                       const struct compare_setting *settings, uint32_t count);
/* Whether {name} is in it. */
bool leat__compare_has(const char *text, const char *name);

/* ── Candidates ── (candidates.c) */

struct compare_vary {
    char name[32];
    uint32_t count;
    char value[COMPARE_VALUES_MAX][128];
};

struct compare_candidate {
    char name[COMPARE_NAME_SIZE]; /* "A", or "loop=epoll buffer=16k" */
    const char *text;             /* as it was written */
    struct compare_words command; /* none: a server that runs already */
    char url[512];                /* {port} and settings are not filled in yet */
    pid_t pid;                    /* of a server that runs already; 0: not told */
    uint32_t setting_count;
    struct compare_setting settings[COMPARE_VARY_MAX + 1]; /* room for the port */
};

struct compare_options {
    const char *operands[COMPARE_CANDIDATES_MAX];
    uint32_t operand_count;
    struct compare_vary vary[COMPARE_VARY_MAX];
    uint32_t vary_count;
    const char *url;  /* for commands; NULL: http://127.0.0.1:{port}/ */
    uint32_t rounds;  /* 0: until the verdict, or at_most_s */
    double at_most_s; /* 0: chosen */
    double detect;    /* 0.01 */
    double start_within_s;
    cpu_set_t server_cores, cores;
    uint64_t seed;
    bool json, quiet, help;
    const char *report;
    const char *flags[COMPARE_FLAGS_MAX]; /* the load's */
    uint32_t flag_count;
};

/* NAME=V1,V2,… 0 or -EINVAL, and error. */
int leat__compare_vary_read(struct compare_vary *v, const char *text, char *error, size_t error_size);
/* What is compared, from the operands and the settings; the first is the base. candidates: COMPARE_CANDIDATES_MAX of them.
 * Answers how many, or -EINVAL, and error. */
int leat__compare_candidates(struct compare_candidate *candidates, const struct compare_options *o,
                             char *error, size_t error_size);

/* ── Flags ── (options.c) */

/* 0; or an exit status, and error. o->help: nothing else counts. */
int leat__compare_options_read(struct compare_options *o, int argc, char **argv, char *error,
                               size_t error_size);
void leat__compare_options_help(FILE *to);
/* What the load's flags say, against this address; leat__load_options_free when done. 0 or an exit status, and error. */
int leat__compare_options_load(const struct compare_options *o, const char *url,
                               struct load_options *load, char *error, size_t error_size);

/* ── Figures ── */

enum compare_figure {
#define FIGURE(name, ...) FIGURE_##name,
#include "figures.def"
#undef FIGURE
    FIGURE_COUNT
};

struct compare_figure_about {
    const char *key;   /* in JSON */
    const char *title; /* "processor time per request" */
    const char *unit;
    const char *short_title; /* of a table's column */
    const char *less, *more; /* "uses %s less processor time per request" */
    double scale;            /* what is kept times this is in unit */
};
extern const struct compare_figure_about leat__compare_figures[FIGURE_COUNT];

/* What one measurement told. Times in seconds, memory in bytes; NAN: it can't be told. */
struct compare_measure {
    double figure[FIGURE_COUNT];
    double answers;
    double octets_per_answer; /* to see whether candidates do the same work */
};

/* ── Statistics ── (statistics.c) */

struct compare_interval {
    double low, high;
};

double leat__compare_median(const double *values, uint32_t n);
/* An interval for the median: percentiles of the medians of samples drawn anew from the values. The same seed, the same
 * interval. level: 0.95. */
struct compare_interval leat__compare_bootstrap(const double *values, uint32_t n, double level,
                                                uint64_t seed);
/* How likely so uneven a split of signs is where both are the toss of a coin; two-sided and exact. Zeros don't count. */
double leat__compare_sign_test(uint32_t below, uint32_t above);
/* The same of signs weighed by the rank of their size (Wilcoxon's): sees smaller differences. Two-sided and exact, ties
 * included. Zeros don't count. n at most COMPARE_ROUNDS_MAX. */
double leat__compare_rank_test(const double *values, uint32_t n);
/* z with so large a share of the standard normal distribution below it. */
double leat__compare_normal_quantile(double share);
/* A stream of numbers that looks like chance; the state is any number. */
uint64_t leat__compare_random(uint64_t *state);
/* The numbers from 0 to count - 1 in an order of chance. */
void leat__compare_order(uint32_t *order, uint32_t count, uint64_t *state);

/* ── The rule ── (rule.c) */

struct compare_rule {
    uint32_t rounds;      /* at most */
    uint32_t comparisons; /* candidates beside the base */
    double detect; /* a difference so small (0.01) ends the search: it would have been seen */
    uint32_t look_count;
    uint32_t look_at[COMPARE_LOOKS_MAX]; /* rounds */
    double alpha[COMPARE_LOOKS_MAX];     /* of one comparison */
};

/* What a candidate's ratios to the base say. */
struct compare_judgement {
    uint32_t n;
    double ratio;                     /* median; 1: the same; NAN: there is none */
    struct compare_interval interval; /* of 95% */
    uint32_t below, above;            /* rounds with less and with more than the base */
    double sign_p, rank_p;
    bool differs;      /* the data carry it */
    double detectable; /* a difference so large (0.02) would have been seen, nine times of ten */
};

/* sequential: looks at quarters; else one look, at the end. */
void leat__compare_rule_init(struct compare_rule *rule, uint32_t rounds, uint32_t comparisons,
                             double detect, bool sequential);
/* What share of error is to be spent after so many rounds; 0: no look is due. */
double leat__compare_rule_look(const struct compare_rule *rule, uint32_t rounds);
/* logs: the logarithms of the ratios. alpha 0: nothing is decided, for showing how it stands. */
void leat__compare_judge(struct compare_judgement *j, const double *logs, uint32_t n, double alpha,
                         uint64_t seed);

enum compare_verdict {
    COMPARE_OPEN,
    COMPARE_DIFFERS,
    COMPARE_NO_DIFFERENCE,
    COMPARE_TOO_FEW, /* rounds: no verdict is possible */
};

/* Where the search stands; comparison 0 is the second candidate. */
struct compare_state {
    const struct compare_rule *rule;
    enum compare_verdict verdict[COMPARE_CANDIDATES_MAX];
    struct compare_judgement judgement[COMPARE_CANDIDATES_MAX];
    int found[COMPARE_CANDIDATES_MAX]; /* the sign of a difference that a look has shown; 0: none */
    bool is_over;
};

void leat__compare_state_init(struct compare_state *s, const struct compare_rule *rule);
/* When a look is due, or it was the last round: for each comparison, and then end_look. */
void leat__compare_state_look(struct compare_state *s, uint32_t comparison, const double *logs,
                              uint32_t rounds, uint64_t seed);
void leat__compare_state_end_look(struct compare_state *s, uint32_t rounds);

/* ── Servers ── (server.c) */

struct compare_server {
    pid_t pid; /* 0: none runs */
    int pidfd;
    int said; /* what it prints, a file in memory */
    const char *name;
};

/* Whether somebody wants all of it to end (SIGINT, SIGTERM). */
extern volatile sig_atomic_t leat__compare_interrupted;

/* From now on what servers leave behind is handed to us, and ended with them. Once. */
void leat__compare_adopt_strays(void);
/* A port that nobody has now, or -errno. */
int leat__compare_free_port(void);
/* Starts a command on these cores; it dies with us. name: for error, which is one line. 0 or -errno. */
int leat__compare_server_start(struct compare_server *s, const char *name, char *const *words,
                               const cpu_set_t *cores, char *error, size_t error_size);
/* Until an HTTP answer begins there; s may be one that we did not start. 0; -ETIMEDOUT, -ECHILD: it ended, -EINTR. */
int leat__compare_server_wait(const struct compare_server *s, const struct load_options *load,
                              double within_s, char *error, size_t error_size);
/* Why it is no more, in words; false: it still runs. */
bool leat__compare_server_ended(const struct compare_server *s, const char *when, char *error,
                                size_t error_size);
/* Ends it and whoever it started in its process group. */
void leat__compare_server_stop(struct compare_server *s);

/* ── Measuring ── (measure.c) */

/* Starts the candidate's server if it is a command, loads it in a process of its own, ends it. 0; or -errno, and error is one
 * line that begins with the candidate's name. */
int leat__compare_measure(struct compare_measure *m, const struct compare_options *o,
                          const struct compare_candidate *c, char *error, size_t error_size);

/* ── Rounds ── (rounds.c) */

struct compare_round {
    double at_s, seconds; /* since the first one began; how long it took */
    uint32_t order[COMPARE_CANDIDATES_MAX];
};

struct compare_run {
    const struct compare_options *options;
    struct compare_candidate candidates[COMPARE_CANDIDATES_MAX];
    uint32_t count;
    enum compare_figure primary;
    struct compare_rule rule;
    struct compare_state state;
    struct compare_measure *measures; /* of all rounds: count for each */
    struct compare_round *rounds;
    uint32_t done; /* rounds */
    uint32_t repeated;
    double warmup_s, seconds; /* of the round that does not count; of all */
    bool is_interrupted;
};

/* What a run's rounds say of a candidate's figure against the base's, with everything measured so far. */
void leat__compare_run_judge(const struct compare_run *run, uint32_t candidate,
                             enum compare_figure figure, struct compare_judgement *j);
/* The median of what a candidate's rounds told; NAN: nothing. */
double leat__compare_run_median(const struct compare_run *run, uint32_t candidate,
                                enum compare_figure figure);
/* 0, or an exit status, and error. Whatever it is, what was measured so far can be told. */
int leat__compare_run(struct compare_run *run, char *error, size_t error_size);
void leat__compare_run_free(struct compare_run *run);

/* ── Telling ── (tell.c, json.c, draw.c) */

/* "uses 4.1% to 6.0% less processor time per request than A", "no difference shown: …" */
void leat__compare_sentence(char *out, size_t size, const struct compare_run *run, uint32_t candidate);
void leat__compare_tell(FILE *to, const struct compare_run *run);
void leat__compare_json(FILE *to, const struct compare_run *run);
/* Points with intervals, into a file whose name says how. 0 or -errno, and error. */
int leat__compare_draw(const struct compare_run *run, const char *path, char *error, size_t error_size);

#endif
