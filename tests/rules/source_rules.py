"""The project's own lint rules, for what ruff and mypy cannot know: one function each, over a parsed file.

A rule takes a `Source` and yields `(line, what is wrong)`. Its docstring is the rule as told to whoever broke it.
`make lint` and the suite run them over the four packages (test_source_rules.py), which also shows each rule biting.
"""

import ast
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PACKAGES = ("merchant", "kyb", "qr", "ussd")
LIBRARIES = ("kyb/", "qr/", "ussd/")

FUNCTION_LINES_MAX = 75
FILE_LINES_MAX = 400
DOCSTRING_LINES = range(1, 7)
# The public face of a package may be one line, or a page that shows how to use it.
FACE_LINES = range(1, 13)

# A migration is history: as long as it must be, and never edited (test_migrations.py).
_MIGRATIONS = "merchant/migrations/versions/"
# Alembic holds its advisory lock over a transaction of its own.
_COMMITS = {"merchant/core/db.py", "merchant/migrations/__init__.py"}
# A process of its own, with the standard library only: standard error is its one way to say what went wrong.
_PRINTS = {"merchant/core/postgres/keeper.py"}
# uuid7 is a moment by definition (RFC 9562); the clock itself is the other place.
_TELLS_TIME = {"merchant/core/clock.py", "merchant/core/ids.py"}
_WALL_CLOCK = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns"}
_KNOWS_MAKERS = {"merchant/compliance/cases/four_eyes.py", "merchant/compliance/cases/apply.py"}
_SQL_STATE = re.compile(r"\bstate\b\s*(=|<>|!=|(NOT )?IN\s*\()\s*'\w", re.IGNORECASE)
_HAVE_STATES = ("merchant/payments/", "merchant/registry/", "merchant/channels/", "merchant/portal/")
# FSPIOP 1.1, TransferState: the simulated hub keeps a ledger of its own in these words.
_WIRE_STATES = {"RECEIVED", "RESERVED", "COMMITTED", "ABORTED"}
_SIMULATOR = "merchant/demo/simulator/"
_SLOW_CLIENTS = {"httpx", "httpx2", "niquests", "requests", "urllib.request", "urllib3"}
_WORLD = {
    "aiohttp",
    "asyncio",
    "asyncpg",
    "http",
    "litestar",
    "os",
    "random",
    "secrets",
    "socket",
    "sqlalchemy",
    "sqlmodel",
    "subprocess",
    "time",
    "urllib.request",
}

Finding = tuple[int, str]


class Source(NamedTuple):
    """A file of ours: its path below the repository, its text, and what Python understands by it: every node of it."""

    path: str
    text: str
    tree: ast.Module
    nodes: tuple[ast.AST, ...]  # walked once for all rules, which takes most of their time


Rule = Callable[[Source], Iterator[Finding]]


def parse(path: str, text: str) -> Source:
    """The source of one file."""
    tree = ast.parse(text)
    return Source(path, text, tree, tuple(ast.walk(tree)))


@cache
def every_source() -> list[Source]:
    """Every Python file of the four packages."""
    files = [file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py"))]
    return [parse(file.relative_to(ROOT).as_posix(), file.read_text()) for file in files]


def only_db_commits(source: Source) -> Iterator[Finding]:
    """One request or job is one transaction: only merchant/core/db.py commits."""
    if source.path in _COMMITS or source.path.startswith(LIBRARIES):
        return
    for node in source.nodes:
        if isinstance(node, ast.Call) and _name(node.func).endswith(".commit"):
            yield node.lineno, "commits"
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _is_commit(node.value):
            yield node.lineno, "sends COMMIT"


def only_the_outbox_writes_jobs(source: Source) -> Iterator[Finding]:
    """The columns of a job are known to merchant/core/outbox.py alone: add() and job_cte() write them for all."""
    if source.path == "merchant/core/outbox.py" or source.path.startswith(_MIGRATIONS):
        return
    for node in source.nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "INSERT INTO outbox" in node.value:
            yield node.lineno, "writes a job in SQL of its own"


def money_is_never_a_float(source: Source) -> Iterator[Finding]:
    """Money is whole minor units, or Decimal on its way to text: no float and no true division near it."""
    if not (source.path.startswith("merchant/payments/") or source.path == "merchant/core/money.py"):
        return
    for node in source.nodes:
        if isinstance(node, ast.Call) and _name(node.func) == "float":
            yield node.lineno, "makes a float"
        if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
            yield node.lineno, "divides into a float"


def one_clock(source: Source) -> Iterator[Finding]:
    """Time comes from merchant/core/clock.py, which tests can move; the libraries are handed `now`."""
    if source.path in _TELLS_TIME:
        return
    for node in source.nodes:
        if isinstance(node, ast.Call) and _tail(_name(node.func)) in _WALL_CLOCK:
            yield node.lineno, f"asks {_name(node.func)}() for the time"
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and _name(node).startswith("clock."):
            yield node.lineno, f"moves the clock: only tests set {_name(node)}"


def nothing_prints(source: Source) -> Iterator[Finding]:
    """The log is structlog and the terminal is click.echo: nothing prints."""
    if source.path in _PRINTS:
        return
    for node in source.nodes:
        if isinstance(node, ast.Call) and _name(node.func) == "print":
            yield node.lineno, "prints"


def states_are_asked_not_compared(source: Source) -> Iterator[Finding]:
    """Callers ask what a state permits (the slice's module `states`): they never compare states."""
    if not source.path.startswith("merchant/") or source.path.endswith("states.py"):
        return
    for node in source.nodes:
        if not isinstance(node, ast.Compare) or not _compares_states([node.left, *node.comparators]):
            continue
        if not (source.path.startswith(_SIMULATOR) and _names_wire_state(node)):
            yield node.lineno, f"compares a state: {ast.unparse(node)}"


def makers_are_read_in_one_place(source: Source) -> Iterator[Finding]:
    """Four eyes are one function: only four_eyes.py reads `.makers`.

    apply.py writes them, and `makers=row.makers` passes them on whole, to a frozen version or to a view.
    """
    if not source.path.startswith("merchant/") or source.path in _KNOWS_MAKERS:
        return
    passed_on = {node.value for node in source.nodes if isinstance(node, ast.keyword) and node.arg == "makers"}
    for node in source.nodes:
        if isinstance(node, ast.Attribute) and node.attr == "makers" and node not in passed_on:
            yield node.lineno, f"uses {ast.unparse(node)}"


def sql_takes_states_from_the_table(source: Source) -> Iterator[Finding]:
    """SQL spells no state of a request, transfer, merchant or application: lists come from the modules `states`."""
    if not source.path.startswith(_HAVE_STATES) or source.path.endswith(("states.py", "models.py")):
        return
    for node in source.nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _SQL_STATE.search(node.value):
            yield node.lineno, "spells a state in SQL"


def one_http_client(source: Source) -> Iterator[Finding]:
    """Calls over HTTP are made with aiohttp: 8 to 24 times less CPU than the others."""
    for line, module in _imports(source):
        if module in _SLOW_CLIENTS or module.split(".")[0] in _SLOW_CLIENTS:
            yield line, f"imports {module}"


def libraries_are_pure(source: Source) -> Iterator[Finding]:
    """kyb, qr and ussd have no database, network, clock, chance or environment: everything is handed to them."""
    if not source.path.startswith(LIBRARIES):
        return
    for line, module in _imports(source):
        if module in _WORLD or module.split(".")[0] in _WORLD:
            yield line, f"imports {module}"


def migrations_are_frozen(source: Source) -> Iterator[Finding]:
    """A migration does the same for ever, whatever becomes of the code: it imports nothing of ours."""
    if not source.path.startswith(_MIGRATIONS):
        return
    for line, module in _imports(source):
        if module.split(".")[0] in PACKAGES:
            yield line, f"imports {module}"
    for node in source.nodes:
        if isinstance(node, ast.ImportFrom) and node.level:
            yield node.lineno, "imports from beside it"


def modules_say_their_place(source: Source) -> Iterator[Finding]:
    """A module opens with one to six lines on what it is for."""
    lines = len((ast.get_docstring(source.tree) or "").splitlines())
    allowed = FACE_LINES if source.path.endswith("__init__.py") else DOCSTRING_LINES
    if lines not in allowed and not source.path.startswith(_MIGRATIONS) and source.text:
        yield 1, f"has a module docstring of {lines} lines"


def public_functions_have_docstrings(source: Source) -> Iterator[Finding]:
    """A public function says what it does, in which units, and what it raises."""
    if source.path.startswith(_MIGRATIONS):
        return
    functions = [node for node in source.tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    for function in functions:
        overload = any(_name(each) == "overload" for each in function.decorator_list)
        if not function.name.startswith("_") and not overload and not ast.get_docstring(function):
            yield function.lineno, f"{function.name} has no docstring"


def everything_fits_a_page(source: Source) -> Iterator[Finding]:
    """A function reads on one screen (75 lines) and a file in one pass (400 lines)."""
    if source.path.startswith(_MIGRATIONS):
        return
    lines = len(source.text.splitlines())
    if lines > FILE_LINES_MAX:
        yield lines, f"has {lines} lines"
    for node in source.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                yield node.lineno, f"{node.name} has {lines} lines"


def patterns_end_at_the_end(source: Source) -> Iterator[Finding]:
    """A pattern of a field ends with \\Z: Python's $ also matches before a last line break."""
    for node in source.nodes:
        if isinstance(node, ast.keyword) and node.arg == "pattern" and ast.unparse(node.value).endswith(("$'", '$"')):
            yield node.value.lineno, "has a pattern that ends with $"


def nothing_is_left_to_do(source: Source) -> Iterator[Finding]:
    """What is missing stands in the CHANGELOG or nowhere: no to-do notes in code."""
    for number, line in enumerate(source.text.splitlines(), 1):
        if any(mark in line for mark in ("TODO", "FIXME", "XXX:")):
            yield number, "has a note to do something later"


# What tells people something besides the problems: their fields, states as a page names them.
_TELLS = {"invalid_field", "FieldError", "AmountProblem", "StateText", "Reason", "ExternalResult"}
# The demo is for those who try the service out, in English only.
_IN_ENGLISH = "merchant/demo/"


def sentences_are_marked(source: Source) -> Iterator[Finding]:
    """What people read is marked with _ (merchant/core/texts.py), so that it can be said in their language.

    People read problems, also through the API. FSPIOP's descriptions (Refused, FspiopError), the log, the command line
    and the API's documentation are in English.
    """
    if not source.path.startswith("merchant/") or source.path.startswith(_IN_ENGLISH):
        return
    for node in source.nodes:
        if isinstance(node, ast.Call) and _tail_of(node) in _TELLS | _problems():
            told = [*node.args, *(one.value for one in node.keywords)]
            yield from ((one.lineno, f"tells {ast.unparse(one)}") for one in told for one in _unmarked(one))
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None and _names_title(node):
            yield from ((one.lineno, f"has the title {ast.unparse(one)}") for one in _unmarked(node.value))


def marked_sentences_are_literals(source: Source) -> Iterator[Finding]:
    """What _ marks is a literal with {names} for values: `make texts` reads it from the code, not from a run of it."""
    for node in source.nodes:
        if isinstance(node, ast.Call) and _name(node.func) in ("_", "_n"):
            marked = node.args[: 1 if _name(node.func) == "_" else 2]
            if not all(isinstance(one, ast.Constant) for one in marked):
                yield node.lineno, f"marks {ast.unparse(node)}"


RULES: tuple[Rule, ...] = (
    only_db_commits,
    only_the_outbox_writes_jobs,
    money_is_never_a_float,
    one_clock,
    nothing_prints,
    states_are_asked_not_compared,
    makers_are_read_in_one_place,
    sql_takes_states_from_the_table,
    one_http_client,
    libraries_are_pure,
    migrations_are_frozen,
    modules_say_their_place,
    public_functions_have_docstrings,
    everything_fits_a_page,
    patterns_end_at_the_end,
    nothing_is_left_to_do,
    sentences_are_marked,
    marked_sentences_are_literals,
)


def _name(node: ast.expr) -> str:
    """`a.b.c` of an expression that is only names and dots, with `?` for anything else."""
    if isinstance(node, ast.Attribute):
        return f"{_name(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def _tail_of(call: ast.Call) -> str:
    """The last part of a called name."""
    return _name(call.func).rpartition(".")[2]


@cache
def _problems() -> frozenset[str]:
    """The names of MerchantError and of every class that derives from it."""
    bases = {
        node.name: {_tail(_name(base)).rpartition(".")[2] for base in node.bases}
        for source in every_source()
        for node in source.nodes
        if isinstance(node, ast.ClassDef)
    }
    found: set[str] = set()
    more = {"MerchantError"}
    while more:
        found |= more
        more = {name for name, above in bases.items() if above & found} - found
    return frozenset(found)


def _names_title(node: ast.Assign | ast.AnnAssign) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return any("title" in ast.unparse(target) for target in targets)


def _unmarked(node: ast.AST) -> Iterator[ast.expr]:
    """The sentences in an expression that no _ marks, whole or put together of parts."""
    if isinstance(node, ast.Call) and _name(node.func) in ("_", "_n"):
        return
    if isinstance(node, ast.Constant | ast.JoinedStr):
        if _is_sentence(node):
            yield node
        return
    for one in ast.iter_child_nodes(node):
        yield from _unmarked(one)


def _is_sentence(node: ast.expr) -> bool:
    """Whether an expression is text of letters or values, with a blank between words or a stop at its end."""
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    text = "".join(str(one.value) for one in parts if isinstance(one, ast.Constant) and isinstance(one.value, str))
    speaks = isinstance(node, ast.JoinedStr) or any(map(str.isalpha, text))
    return speaks and (" " in text or text.endswith("."))


def _tail(name: str) -> str:
    """The last two parts of a dotted name."""
    return ".".join(name.split(".")[-2:])


def _imports(source: Source) -> Iterator[tuple[int, str]]:
    for node in source.nodes:
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.lineno, node.module


def _is_commit(text: str) -> bool:
    return text.strip().rstrip(";").upper() == "COMMIT"


def _compares_states(sides: list[ast.expr]) -> bool:
    """Whether one side is `thing.state` or a member of an enumeration of states. `Table.state == asked` selects
    rows.
    """
    sides = [part for side in sides for part in getattr(side, "elts", [side])]
    return any(_is_member(side) or (_is_state(side) and not _is_column(side)) for side in sides)


def _names_wire_state(node: ast.Compare) -> bool:
    return any(isinstance(side, ast.Constant) and side.value in _WIRE_STATES for side in (node.left, *node.comparators))


def _is_state(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "state"


def _is_column(node: ast.expr) -> bool:
    return _name(node).split(".")[0][0].isupper()


def _is_member(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and _name(node.value).split(".")[-1].endswith("State")
