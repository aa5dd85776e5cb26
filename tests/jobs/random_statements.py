"""Decks of random statements for the job evaluate, with what numpy makes of them."""

import random
import typing

import numpy as np

import numpy_oracle as oracle

ARRAYS = {  # name -> type, and which of the extents it has: rows and columns, or 1
    "a": ("float64", "rc"), "b": ("float64", "rc"), "p": ("float64", "rc"), "f": ("float32", "rc"),
    "q": ("float32", "rc"), "n": ("int32", "rc"), "m": ("int32", "rc"), "k": ("int64", "rc"), "w": ("int64", "rc"),
    "r": ("float64", "1c"), "s": ("int32", "1c"), "h": ("float32", "1c"), "c": ("float64", "r1"), "d": ("int64", "r1"),
    "g": ("float32", "r1"), "o": ("float64", "11"), "z": ("float32", "c"), "y": ("int64", "c"),
}
LINES = {name: (type, "c" if extents == "rc" else "1") for name, (type, extents) in ARRAYS.items()
         if extents in ("rc", "11")}
UNARY = "sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh exp expm1 log log10 log1p".split()
CHOICES = "sqrt abs floor ceil sign round".split()


class Array(typing.NamedTuple):
    name: str
    type: str
    shape: tuple
    text: str


class Statement(typing.NamedTuple):
    name: str
    text: str
    domain: tuple
    old: bool  # assigned in place, to what was there before


class Generator:
    def __init__(self, seed, shape):
        self.random = random.Random(seed)
        self.shape = tuple(shape)
        self.arrays = []
        self.names = {}  # what each name stands for
        self.exact_arrays = []
        for name, (type, extents) in (ARRAYS if len(shape) == 2 else LINES).items():
            self.declare(name, type, extents)
        self.made = 0

    def declare(self, name, type, extents):
        sizes = {"r": self.shape[0], "c": self.shape[-1], "1": 1}
        shape = tuple(sizes[extent] for extent in extents)
        text = self.special(self.element(name)) if name in "pq" else self.element(name)
        value = oracle.Texts({}, shape).compute(text)
        self.arrays.append(Array(name, type, shape, text))
        self.names[name] = oracle.converted(value, type, shape)

    def element(self, name):
        number = self.random.randint
        whole = f"((i*{number(1, 99)} + j*{number(1, 99)} + {number(0, 99)}) % {number(7, 97)} - {number(0, 50)})"
        if name == "w":
            return f"{whole}*{number(10**8, 10**15)}"
        if name in "nmksdy":
            return whole
        return self.random.choice([f"{whole}/16", f"{whole}/64", f"{whole}/4096", f"{whole}*2.5"])

    @staticmethod
    def special(text):
        return (f"where((i*5 + j*3) % 17 == 2, inf, where((i*7 + j) % 19 == 3, nan, where((i + j) % 13 == 5, -0.0, "
                f"where((3*i + j) % 23 == 1, -inf, {text}))))")

    # ---- Expressions ----

    def pick(self, *options):
        return self.random.choice(options)

    def full(self):
        return self.pick(*[name for name, value in self.names.items() if value.shape == self.shape])

    def leaf(self, kind, positional):
        if positional and self.random.random() < 0.4:
            return self.pick("i", "j", "rows", "cols")
        if self.random.random() < 0.15:
            return self.literal(kind)
        wanted = {"whole": "i", "number": "if"}[kind]
        return self.pick(*[name for name, value in self.names.items() if value.dtype.kind in wanted] or ["3"])

    def literal(self, kind):
        if kind == "whole" or self.random.random() < 0.5:
            return str(self.pick(0, 1, 2, 3, 5, 7, 12, 255, 4096, 10**6, 2**31, 2**40, "(2 + 3)", "-1", "-7"))
        return self.pick("0.5", "2.5", "-0.25", ".125", "1e3", "1_0.75", "3.", "1e-3", "pi", "e", "0.1", "1e300", "-2.5")

    def condition(self, depth, positional):
        if depth <= 0 or self.random.random() < 0.7:
            left, right = (self.number(depth - 1, positional) for _ in range(2))
            return f"({left} {self.pick('<', '<=', '>', '>=', '==', '!=')} {right})"
        if self.random.random() < 0.2:
            return f"~{self.condition(depth - 1, positional)}"
        if self.random.random() < 0.2:
            return f"{self.pick('isnan', 'isfinite')}({self.number(depth - 1, positional)})"
        left, right = (self.condition(depth - 1, positional) for _ in range(2))
        return f"({left} {self.pick('&', '|', '^')} {right})"

    def whole(self, depth, positional):
        if depth <= 0:
            return self.leaf("whole", positional)
        left = self.whole(depth - 1, positional)
        right = self.whole(depth - 2, positional)
        form = self.random.random()
        if form < 0.45:
            return self.joined(left, self.pick("+", "-", "*", "//", "%"), right)
        if form < 0.6:
            return f"({left} {self.pick('&', '|', '^')} {right})"
        if form < 0.68:
            return f"({left} {self.pick('<<', '>>')} {self.pick('1', '3', '(n & 7)', '40', right)})"
        if form < 0.76:
            return f"({left})**{self.pick('0', '1', '2', '3', '5', 'abs(n % 5)')}"
        if form < 0.84:
            return f"{self.pick('-', '+', '~')}({left})"
        if form < 0.9:
            return f"{self.pick('abs', 'sign', 'round')}({left})"
        if form < 0.95:
            return f"({left} + {self.condition(depth - 1, positional)}*{right})"
        return self.choice(left, right, depth, positional)

    def choice(self, left, right, depth, positional):
        form = self.random.random()
        if form < 0.5:
            return f"where({self.condition(depth - 1, positional)}, {left}, {right})"
        if form < 0.8:
            return f"{self.pick('minimum', 'maximum')}({left}, {right})"
        return f"clip({left}, {right}, {self.number(0, positional)})"

    def joined(self, left, symbol, right):
        blank = self.pick("", " ", " ")
        text = f"{left}{blank}{symbol}{blank}{right}"
        return f"({text})" if self.random.random() < 0.6 else text

    def number(self, depth, positional):
        if depth <= 0:
            return self.leaf("number", positional)
        form = self.random.random()
        if form < 0.15:
            return self.whole(depth, positional)
        if form < 0.5:
            left, right = self.number(depth - 1, positional), self.number(depth - 2, positional)
            return self.joined(left, self.pick("+", "-", "*", "/", "//", "%", "+", "*"), right)
        if form < 0.62:
            return f"{self.pick(*UNARY)}({self.number(depth - 2, positional)})"
        if form < 0.66:
            return f"{self.pick('hypot', 'arctan2')}({self.number(0, positional)}, {self.number(0, positional)})"
        if form < 0.74:
            return f"{self.pick(*CHOICES)}({self.number(depth - 1, positional)})"
        if form < 0.82:
            exponent = self.pick("0", "1", "2", "3", "4", "7", "0.5", "2.0", "1.5", "-1", "-2", self.number(0, positional))
            return f"({self.number(depth - 2, positional)})**{exponent}"
        if form < 0.88:
            return f"-{self.number(depth - 1, positional)}"
        if form < 0.92:
            return self.reduction(depth - 1, positional, keepdims=True)
        return self.choice(self.number(depth - 1, positional), self.number(depth - 2, positional), depth, positional)

    def reduction(self, depth, positional, keepdims=None):
        name = self.pick(*oracle.REDUCTIONS, "sum", "mean", "vdot")
        kind = self.random.random()
        operand = self.condition(depth, positional) if kind < 0.2 else self.number(depth, positional)
        if positional:
            operand = f"({self.full()} + {operand})" if kind >= 0.2 else f"({self.full()} > 2) & {operand}"
        if name == "vdot":
            return f"vdot({self.full()}, {self.full()})"
        options = ""
        if self.random.random() < 0.6:
            options += f", axis={self.pick(0, 1, -1, -2) if len(self.shape) == 2 else self.pick(0, -1)}"
        if keepdims if keepdims is not None else self.random.random() < 0.3:
            options += ", keepdims=True" if name not in ("argmin", "argmax", "norm") or "axis" in options else ""
        if name in ("var", "std") and self.random.random() < 0.5:
            options += f", ddof={self.pick(0, 1, 2)}"
        return f"{name}({operand}{options})"

    # ---- Statements ----

    def expression(self):
        depth = self.pick(1, 2, 2, 3, 3, 4, 5)
        form = self.random.random()
        if form < 0.2:
            return self.reduction(depth - 1, self.random.random() < 0.2)
        if form < 0.35:
            return f"{self.full()} {self.pick('+', '-', '*', '/')} ({self.number(depth - 1, True)})"
        if form < 0.45:
            return self.whole(depth, False)
        if form < 0.55:
            return self.condition(depth, False)
        return self.number(depth, False)

    def statement(self):
        """A statement that numpy can tell of, and its value; the names are told of it."""
        while True:
            text = self.expression()
            in_place = self.random.random() < 0.12
            if in_place:
                name = self.pick(*[array.name for array in self.arrays])
                domain = self.names[name].shape
            else:
                name, domain = f"t{self.made}", self.shape
            try:
                value = oracle.Texts(self.names, domain).compute(text)
                if not in_place and value.is_literal:
                    continue
                if in_place:
                    old = self.names[name]
                    if np.broadcast_shapes(value.shape, old.shape) != old.shape:
                        continue
                    value = oracle.converted(value, old.dtype, old.shape)
                elif not value.is_number and value.v.dtype not in oracle.TYPES:
                    continue
            except (oracle.Skip, ValueError, TypeError, OverflowError, SyntaxError, RecursionError):
                continue
            self.made += 1
            # What is stored is read back: from there on it is exact.
            self.names[name] = value if in_place else value._replace(bound=None, is_literal=False)
            return Statement(name, text, domain, in_place)

    def statements(self, count):
        return [self.statement() for _ in range(count)]


def deck(generator, statements, file="out.h5"):
    lines = ['job = "evaluate"', "", "[arrays]"]
    for array in generator.arrays:
        cols = f", cols = {array.shape[1]}" if len(array.shape) == 2 else ""
        lines.append(f'{array.name} = {{rows = {array.shape[0]}{cols}, type = "{array.type}", '
                     f'value = "{array.text}"}}')
    lines += ["", "[evaluate]", 'statements = """', *[f"{s.name} = {s.text}" for s in statements], '"""', "",
              "[output]", f'file = "{file}"', "durable = false"]
    return "\n".join(lines) + "\n"


def failures(generator, statements, datasets):
    """Compares a file with numpy, statement by statement: what a statement reads is taken from the file if it is there
    as it was read."""
    names = {}
    for array in generator.arrays:
        value = oracle.Texts({}, array.shape).compute(array.text)
        names[array.name] = oracle.converted(value, array.type, array.shape)
    last = {statement.name: number for number, statement in enumerate(statements)}
    found, compared = [], 0
    for number, statement in enumerate(statements):
        try:
            value = oracle.Texts(names, statement.domain).compute(statement.text)
            if statement.old:
                value = oracle.converted(value, names[statement.name].dtype, names[statement.name].shape)
        except oracle.Skip:
            value = None
        if last[statement.name] == number:
            stored = datasets[statement.name][()]
            if value is not None:
                wrong = oracle.difference(stored, value)
                compared += 1
                if wrong:
                    found.append(f"{statement.name} = {statement.text}\n    {wrong}")
            known = generator.names[statement.name]
            stored = np.asarray(stored).astype(known.dtype)
            names[statement.name] = oracle.Value(stored[()] if known.is_number else stored, None, known.is_number)
        elif value is None:
            raise AssertionError(f"{statement.name} = {statement.text}: numpy knew it a moment ago")
        else:
            names[statement.name] = value
    return found, compared
