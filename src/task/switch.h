/* switch.h: changing stacks, in the machine's own language (switch.c): what a called function must preserve is pushed on
 * the stack that is left, and popped from the one that is entered.
 *
 *     loop's stack                         a task's stack
 *     ────────────                         ──────────────
 *     leat__stack_call ──────────────────► function(argument)
 *                                            leat__stack_suspend     its place → *sp
 *     … answers false ◄───────────────────── │
 *     leat__stack_resume ──────────────────► … returns
 *                                          function returns
 *     … answers true ◄──────────────────────
 *
 * While a task runs, *loop_sp is where the loop's stack is left. A task that never suspends costs a call, one set of
 * pushes and pops, and two changes of the stack pointer. The floating point modes (MXCSR, FPCR) are not kept: a task that
 * changes them puts them back before it waits. */
#ifndef LEAT_SWITCH_H
#define LEAT_SWITCH_H

#include <stdbool.h>

struct leat_exchange;
struct tasks;

/* Calls function(argument) on the stack that ends at top (aligned to 16). true: it has returned. false: it has suspended. */
bool leat__stack_call(void *argument, void **loop_sp, void (*function)(void *), void *top);
/* The same, of run(x, t); t begins with the place for the loop's stack pointer. */
bool leat__stack_call_handler(struct leat_exchange *x, struct tasks *t,
                              void (*run)(struct leat_exchange *x, struct tasks *t), void *top);
/* Goes on where sp says. As leat__stack_call. */
bool leat__stack_resume(void *sp, void **loop_sp);
/* On a task's stack: back to the loop's. Returns when the task is resumed. */
void leat__stack_suspend(void **sp, void *const *loop_sp);

#endif
