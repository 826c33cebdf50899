/* bench_wait.h: what bench/wait/run asks for: a server, the clock's view of a switch, and a client that times answers.
 *
 *   bench_wait serve direct|stack FLAGS    examples of handlers; direct: marked as ones that never wait
 *   bench_wait switch                      nanoseconds (and cycles) of a suspend with its resume, and of leat_yield
 *   bench_wait latency PORT SECONDS        one connection, one request at a time: how long the answers take */
#ifndef LEAT_BENCH_WAIT_H
#define LEAT_BENCH_WAIT_H

/* Each takes its arguments from the word that chose it on. */
int wait_serve(int argc, char **argv);
int wait_switch(void);
int wait_latency(int argc, char **argv);

#endif
