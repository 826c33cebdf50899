/* overflow.c: see overflow.h. The handler runs on a thread that is in the middle of anything: it calls write(2), sigaction(2)
 * and what computes. Every other fault is handed to whoever had the signal before us. */
#define _GNU_SOURCE
#include "server/overflow.h"
#include "exchange/exchange.h"
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

static const char *program_name;
static struct sigaction before_segv, before_bus;
static atomic_bool watching;
static _Thread_local stack_t before_stack; /* a sanitizer's own */

struct line {
    char text[512];
    size_t size;
};

static void add(struct line *line, const char *text)
{
    size_t size = size_min(strlen(text), sizeof line->text - line->size);
    memcpy(line->text + line->size, text, size);
    line->size += size;
}

static void add_number(struct line *line, uint64_t number)
{
    char digits[24];
    char *at = digits + sizeof digits - 1;
    *at = '\0';
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    add(line, at);
}

static void add_task(struct line *line, const struct task *task)
{
    const struct leat_exchange *x = task->exchange;
    if (x == NULL) {
        add(line, "a task of the program's own");
    } else if (x->chain == NULL || x->chain->pattern[0] == '\0') {
        add(line, "a request without a route");
    } else {
        add(line, x->chain->method);
        add(line, " ");
        add(line, x->chain->pattern);
    }
}

static void tell(const struct tasks *t, const struct task *task)
{
    struct line line = {.size = 0};
    add(&line, program_name);
    add(&line, ": stack overflow in ");
    add_task(&line, task);
    add(&line, ": it needs more than ");
    add_number(&line, (t->stacks->stride - STACK_GUARD) / 1024);
    add(&line, " KiB: raise --stack, or put large arrays into the arena (leat_alloc)\n");
    ssize_t written = write(STDERR_FILENO, line.text, line.size);
    (void)written; /* there is nobody else to tell */
}

/* The task in the guard of whose stack address lies; NULL: none. */
static const struct task *find(const struct tasks *t, const void *address)
{
    uint32_t index = t != NULL ? leat__stack_of_guard(t->stacks, address) : STACK_NONE;
    return index != STACK_NONE && index < t->stacks->touched ? &t->all[index] : NULL;
}

/* Returning repeats what has faulted, and then the one before us, or the default action, sees it as it was. */
static void on_fault(int number, siginfo_t *info, void *context)
{
    const struct tasks *t = leat__tasks_here;
    const struct task *task = info->si_code > 0 ? find(t, info->si_addr) : NULL;
    (void)context;
    if (task != NULL) {
        tell(t, task);
        signal(number, SIG_DFL);
        return;
    }
    sigaction(number, number == SIGSEGV ? &before_segv : &before_bus, NULL);
    if (info->si_code <= 0) /* sent: nothing would repeat it */
        raise(number);
}

void leat__overflow_watch(const char *name)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    program_name = name;
    if (atomic_exchange(&watching, true))
        return;
    sigaction(SIGSEGV, &action, &before_segv);
    sigaction(SIGBUS, &action, &before_bus);
}

void leat__overflow_arm(void *memory)
{
    stack_t stack = {.ss_sp = memory, .ss_size = OVERFLOW_STACK};
    if (atomic_load(&watching))
        sigaltstack(&stack, &before_stack); /* refused: the fault is still fatal, and only the line is missing */
}

void leat__overflow_disarm(void)
{
    if (atomic_load(&watching))
        sigaltstack(&before_stack, NULL);
}
