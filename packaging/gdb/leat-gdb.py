"""leat-gdb.py: the tasks of a server, seen from gdb: handlers that wait, and tasks of the program's own.

    (gdb) source packaging/gdb/leat-gdb.py
    (gdb) leat tasks                a line for each: number, state, route, what it waits for
    (gdb) leat task 7 bt            the backtrace of one that waits, on its own stack

A number is that of a task on the shard of the thread that is selected; `leat tasks` selects none, and tells all shards,
thread by thread. Backtraces of what waits take a process: a core can't be told other registers. The registers are put back
before the command ends. Needs the program's debugging information."""
import contextlib

import gdb

STATES = ("free", "new", "running", "waiting", "ready")
SAVED = {       # by leat__stack_suspend (src/task/switch.c): where each register lies, from the stack pointer that it keeps
    "i386:x86-64": ({"r15": 0, "r14": 8, "r13": 16, "r12": 24, "rbx": 32, "rbp": 40, "rip": 48}, 56, "rsp"),
    "aarch64": ({"x29": 0, "pc": 8, **{f"x{19 + n}": 16 + 8 * n for n in range(10)}}, 160, "sp"),
}
ENDS_WITH = {"leat__conn_read": "leat_read", "leat__source_read": "leat_read"}     # a call that ends a function leaves no frame of it


def tasks_here():
    """The tasks of the selected thread's shard; None: it is no shard's."""
    try:
        tasks = gdb.parse_and_eval("leat__tasks_here")
    except gdb.error:
        return None
    return tasks.dereference() if int(tasks) != 0 else None


def word(address):
    size = gdb.lookup_type("unsigned long").sizeof
    return int.from_bytes(gdb.selected_inferior().read_memory(address, size).tobytes(), "little")


@contextlib.contextmanager
def on_stack_of(task):
    """The selected thread as if it were that task, which waits."""
    places, size, stack_register = SAVED[gdb.selected_frame().architecture().name()]
    sp = int(task["sp"])
    registers = {name: word(sp + at) for name, at in places.items()}
    registers[stack_register] = sp + size
    gdb.selected_frame()
    gdb.newest_frame().select()
    before = {name: int(gdb.parse_and_eval(f"(unsigned long)${name}")) for name in registers}
    try:
        for name, value in registers.items():
            gdb.execute(f"set ${name} = {value}", to_string=True)
        gdb.newest_frame().select()
        yield
    finally:
        for name, value in before.items():
            gdb.execute(f"set ${name} = {value}", to_string=True)
        gdb.newest_frame().select()


def waits_for(task):
    """The outermost function of Leat's that the program has called to wait; "?" where registers can't be changed."""
    try:
        with on_stack_of(task):
            frame, found = gdb.newest_frame(), "?"
            while frame is not None:
                name = frame.name() or ""
                name = ENDS_WITH.get(name, name)
                if name.startswith("leat_") and not name.startswith("leat__") and name != "leat_next":
                    found = name
                elif found != "?" and not name.startswith("leat"):
                    break
                frame = frame.older()
            return found
    except gdb.error:
        return "?"


def what_runs(task):
    exchange = task["exchange"]
    if int(exchange) == 0:
        return str(task["function"]).split("<")[-1].rstrip(">")
    chain = exchange["chain"]
    return f"{chain['method'].string()} {chain['pattern'].string()}" if int(chain) != 0 else "no route"


def all_tasks(tasks):
    for i in range(int(tasks["stacks"]["touched"])):
        task = tasks["all"][i]
        state = STATES[int(task["state"])]
        is_warm = int(tasks["warm"]) == int(task.address)
        if state != "free" and not (is_warm and int(tasks["current"]) != int(task.address)):
            yield i, state, task


class Leat(gdb.Command):
    """What a Leat server does; see `help leat tasks` and `help leat task`."""

    def __init__(self):
        super().__init__("leat", gdb.COMMAND_STACK, prefix=True)


class Tasks(gdb.Command):
    """leat tasks: the tasks of all shards, thread by thread: number, state, route or function, and what it waits for."""

    def __init__(self):
        super().__init__("leat tasks", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        before = gdb.selected_thread()
        shards = 0
        for thread in sorted(gdb.selected_inferior().threads(), key=lambda thread: thread.num):
            thread.switch()
            tasks = tasks_here()
            if tasks is None:
                continue
            shards += 1
            print(f"thread {thread.num}: {int(tasks['live'])} tasks")
            for number, state, task in all_tasks(tasks):
                wanted = waits_for(task) if state == "waiting" else ""
                print(f"  {number:6}  {state:8} {what_runs(task):32} {wanted}")
        before.switch()
        if shards == 0:
            print("no thread is a shard's")


class Task(gdb.Command):
    """leat task NUMBER [COMMAND]: runs a command of gdb's (bt) on the stack of a task of the selected thread's shard."""

    def __init__(self):
        super().__init__("leat task", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        words = gdb.string_to_argv(argument)
        tasks = tasks_here()
        if tasks is None:
            raise gdb.GdbError("this thread is no shard's: select one by `thread`, as `leat tasks` names them")
        if not words or not words[0].isdigit() or int(words[0]) >= int(tasks["stacks"]["touched"]):
            raise gdb.GdbError("leat task NUMBER [COMMAND]: a number as `leat tasks` tells them")
        task = tasks["all"][int(words[0])]
        state = STATES[int(task["state"])]
        if state not in ("waiting", "ready"):
            raise gdb.GdbError(f"task {words[0]} is {state}: there is no other stack to look at")
        with on_stack_of(task):
            gdb.execute(" ".join(words[1:]) or "bt")


Leat()
Tasks()
Task()
