"""The cookbook's pages as tests see them: programs, and what is said to them. doc/cookbook/README.md tells the format."""
import os
import re
import shlex
import subprocess
from dataclasses import dataclass, field

from conftest import BUILD, ROOT

FOLDER = os.path.join(ROOT, "doc", "cookbook")
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
START = re.compile(r"^\./(?P<name>[\w-]+)(?P<flags>(?: [^&|<>]*)?)&?$")
ANY = "…"


@dataclass
class Command:
    text: str
    expected: list = field(default_factory=list)

    @property
    def start(self):
        """The flags of the program that this starts; None: it is another command."""
        match = START.match(self.text.strip())
        return shlex.split(match["flags"]) if match else None

    @property
    def is_compiling(self):
        return re.match(r"(cc|gcc|clang|apt|sudo)\b", self.text) is not None


@dataclass
class Program:
    page: str
    number: int
    source: str
    commands: list = field(default_factory=list)

    @property
    def is_whole(self):
        return re.search(r"^int main\(", self.source, re.MULTILINE) is not None

    @property
    def is_checked(self):
        return any(command.expected for command in self.commands)

    @property
    def links(self):
        match = re.match(r"\s*/\* links: ([\w, -]+?) \*/", self.source)
        return re.split(r"[, ]+", match[1]) if match else []

    def __str__(self):
        return re.sub(r"\W", "_", f"{self.page}_{self.number}")


def read_commands(text):
    commands = []
    for line in text.splitlines():
        if line.startswith("$ "):
            commands.append(Command(line[2:]))
        elif line.startswith("> ") and commands and not commands[-1].expected and commands[-1].text.endswith("\\"):
            commands[-1].text = commands[-1].text[:-1] + line[2:]
        elif commands:
            commands[-1].expected.append(line)
    return commands


def read_page(path):
    """The page's programs; each with the commands that stand behind it, up to the next one."""
    with open(path, encoding="utf-8") as page:
        text = page.read()
    name = os.path.splitext(os.path.basename(path))[0]
    programs = []
    for kind, block in FENCE.findall(text):
        if kind == "c":
            programs.append(Program(name, len(programs) + 1, block))
        elif kind in ("console", "sh") and programs:
            whole = [program for program in programs if program.is_whole]
            if whole:
                whole[-1].commands += read_commands(block)
    return programs


def page_paths():
    names = sorted(os.listdir(FOLDER))
    return [os.path.join(FOLDER, name) for name in names if name.endswith(".md") and name != "README.md"]


def cache(variable, otherwise=""):
    with open(os.path.join(BUILD, "CMakeCache.txt"), encoding="utf-8") as lines:
        for line in lines:
            match = re.match(re.escape(variable) + r":\w+=(.*)\n", line)
            if match and match[1]:
                return match[1]
    return otherwise


def modules_of(name):
    """What pkg-config must know to link an extra library of this build; None: it was not built."""
    try:
        with open(os.path.join(BUILD, "extras", name), encoding="utf-8") as modules:
            return modules.read().split()
    except FileNotFoundError:
        return None


def pkg_config(modules):
    names = [re.split(r"[<>=]", module)[0] for module in modules]
    if not names:
        return []
    return subprocess.run(["pkg-config", "--libs", *names], check=True, stdout=subprocess.PIPE, text=True).stdout.split()


def compile_program(program, folder):
    """As a user would: C11, every warning an error, the installed API. Answers the executable; None: it is a fragment."""
    source = os.path.join(folder, f"{program}.c")
    with open(source, "w", encoding="utf-8") as file:
        file.write(program.source if program.is_whole else "#include <leat/leat.h>\n" + program.source)
    sanitize = cache("LEAT_SANITIZE")
    command = [cache("CMAKE_C_COMPILER", "cc"), "-std=c11", "-Wall", "-Wextra", "-Werror", "-g",
               "-D_DEFAULT_SOURCE", "-I", os.path.join(ROOT, "include"), source]
    command += [f"-fsanitize={sanitize}"] if sanitize else []
    if not program.is_whole:
        command += ["-fsyntax-only", "-Wno-unused-function"]
        executable = None
    else:
        executable = os.path.join(folder, str(program))
        modules = ["liburing", "inih"]
        command += ["-o", executable]
        for name in program.links:
            command.append(os.path.join(BUILD, f"lib{name}.a"))
            modules += modules_of(name) or []
        command += [os.path.join(BUILD, "libleat.a"), *pkg_config(modules), "-pthread", "-lm"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, f"{program} does not compile:\n{done.stdout}"
    return executable


def is_like(expected, line):
    """ANY within a line is any text."""
    return re.fullmatch(".*".join(re.escape(part) for part in expected.split(ANY)), line) is not None


def fits(expected, lines):
    """Line by line; a line that is ANY alone is any number of lines, and empty lines at the ends don't count."""
    if not expected:
        return not lines
    if expected[0].strip() == ANY:
        return any(fits(expected[1:], lines[i:]) for i in range(len(lines) + 1))
    return bool(lines) and is_like(expected[0].rstrip(), lines[0].rstrip()) and fits(expected[1:], lines[1:])


def trimmed(lines):
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    while lines and not lines[0].strip():
        lines = lines[1:]
    return lines
