"""What numpy makes of the statements of the job evaluate, and how far another correct program may be from it.

A text is parsed by Python, so that precedence is Python's too, and computed by numpy. Every value has a bound of the
difference to a result of windrow, or none where both must have the same bits:

- + - * / sqrt, and all that chooses, compares or is whole, are exactly rounded: no difference;
- a function is within 4 units of the last place of the exact result (docs/expressions.md), which numpy computes here in
  long double (64 bits) and rounds: half a unit more, so 4.5;
- x**n, n <= 8, is made of at most n - 1 products, each of them off by half a unit: n units are enough with numpy's own;
- a sum has at most 15 additions one after another, 5 in a tree of 32 and log2(blocks of 512) in the tree of these. With
  u = 2^-53, half a unit of 1, it is off by at most so many u times the sum of the absolute values. A sum of multiples of
  2^-12 that are less than 2^40 together has no rounding at all;
- what follows a value with a bound adds the first-order error of its operation and one unit for the two roundings.

Where a bound cannot be told, `Skip` is raised: a comparison of values that are not exact could go either way.
"""

import ast
import typing

import numpy as np

U = 2.0**-53
TYPES = {np.dtype(name) for name in ("bool", "int32", "int64", "float32", "float64")}
# The largest sum of absolute values, so that no order of additions overflows.
MOST = 1e300


class Skip(Exception):
    """numpy does not tell what windrow must give."""


class Value(typing.NamedTuple):
    v: typing.Any  # an array of numpy or a number of it
    bound: typing.Any = None  # of the absolute difference; None: none
    is_number: bool = False
    is_literal: bool = False

    @property
    def is_exact(self):
        return self.bound is None

    @property
    def dtype(self):
        return self.v.dtype

    @property
    def shape(self):
        return np.shape(self.v)


def is_float(value):
    return value.dtype.kind == "f"


def ulp(x, dtype=None):
    """A unit of the last place of |x|, 0 of what is not finite."""
    x = np.abs(np.asarray(x, dtype=dtype))
    with np.errstate(all="ignore"):
        return np.where(np.isfinite(x), np.spacing(x), 0).astype(float)


def cleaned(v, bound):
    """No bound is needed of what is not finite, for that must be equal."""
    if bound is None:
        return None
    bound = np.where(np.isfinite(v), bound, 0)
    if not np.isfinite(bound).all():
        raise Skip("no finite bound")
    return bound


def checked(v, bound=None, is_number=False):
    if v.dtype not in TYPES:  # int8 and float16, which numpy makes of truth values
        raise Skip(f"a result of type {v.dtype}")
    return Value(v, cleaned(v, bound), is_number)


def bound_of(value, dtype):
    """Of a value as an operand of that type."""
    bound = np.zeros(value.shape) if value.is_exact else value.bound
    if not value.is_exact and np.dtype(dtype) == np.float32 and value.dtype != np.float32:
        bound = bound + ulp(value.v, np.float32)
    return bound


def need_exact(*values):
    if not all(value.is_exact for value in values):
        raise Skip("not exact")


def prepared(a, b):
    """A whole number that no literal is keeps its type beside an array (docs/expressions.md, the types)."""
    if a.is_number and not b.is_number:
        b, a = prepared(b, a)
        return a, b
    if b.is_number and not a.is_number:
        if not b.is_literal and b.dtype.kind in "bi" and a.dtype.kind in "bi":
            a = a._replace(v=a.v.astype(np.promote_types(a.dtype, b.dtype)))
        if not b.is_literal and not is_float(b) and a.dtype == np.float32:
            b = b._replace(v=b.v.astype(float).astype(np.float32))
        if is_float(b) and a.dtype == np.float32 and not b.is_literal and np.isfinite(b.v) and abs(b.v) > 3e38:
            raise Skip("a number beyond float32")
    return a, b


def binary(ufunc, a, b):
    a, b = prepared(a, b)
    is_number = a.is_number and b.is_number
    v = ufunc(a.v, b.v)
    if a.is_exact and b.is_exact:
        return checked(v, None, is_number)
    if ufunc not in LINEAR:
        raise Skip(f"{ufunc.__name__} of what is not exact")
    ea, eb = bound_of(a, v.dtype), bound_of(b, v.dtype)
    x, y = np.abs(np.asarray(a.v, float)), np.abs(np.asarray(b.v, float))
    if ufunc in (np.minimum, np.maximum):
        bound = np.maximum(ea, eb)
    elif ufunc in (np.add, np.subtract):
        bound = ea + eb
    elif ufunc is np.multiply:
        bound = x * eb + y * ea + ea * eb
    else:
        if (y <= 4 * eb).any():
            raise Skip("a divisor that may be 0")
        bound = 1.5 * (ea + np.abs(np.asarray(v, float)) * eb) / y
    return checked(v, bound + 1.01 * ulp(v), is_number)


LINEAR = {np.add, np.subtract, np.multiply, np.true_divide, np.minimum, np.maximum}

OPERATORS = {
    ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Div: np.true_divide,
    ast.FloorDiv: np.floor_divide, ast.Mod: np.remainder, ast.BitAnd: np.bitwise_and, ast.BitOr: np.bitwise_or,
    ast.BitXor: np.bitwise_xor, ast.LShift: np.left_shift, ast.RShift: np.right_shift, ast.Lt: np.less,
    ast.LtE: np.less_equal, ast.Gt: np.greater, ast.GtE: np.greater_equal, ast.Eq: np.equal, ast.NotEq: np.not_equal,
}

OF_FLOATS = {name: getattr(np, name) for name in
             "sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh exp expm1 log log10 log1p "
             "hypot arctan2".split()}
EXACTLY = {"sqrt": np.sqrt, "floor": np.floor, "ceil": np.ceil, "sign": np.sign, "round": np.round,
           "isnan": np.isnan, "isfinite": np.isfinite}
POSITIONS = {"i", "j", "rows", "cols"}
CONSTANTS = {"pi": np.pi, "e": np.e, "inf": np.inf, "nan": np.nan}


def has_negative_zero(*values):
    return any(is_float(value) and ((value.v == 0) & np.signbit(value.v)).any() for value in values)


def extremum(ufunc, a, b):
    # Either zero is right.
    if has_negative_zero(a, b):
        raise Skip("the sign of a zero")
    return binary(ufunc, a, b)


def of_floats(name, *operands):
    need_exact(*operands)
    if len(operands) == 2:
        operands = prepared(*operands)
    dtype = OF_FLOATS[name](*[x.v for x in operands]).dtype
    # Operands are converted first: a number beside float32 is a float32.
    v = OF_FLOATS[name](*[np.asarray(x.v).astype(dtype).astype(np.longdouble) for x in operands])
    v = v.astype(float)
    bound = 4.5 * ulp(v)
    if dtype == np.float32:  # the float64 result, rounded: to the one side or the other
        v = v.astype(dtype)
        bound = bound + ulp(v)
    is_number = all(x.is_number for x in operands)
    return checked(v[()] if is_number else v, bound, is_number)


def power(base, exponent, is_negated):
    need_exact(base, exponent)
    if is_negated and not is_float(base) and not is_float(exponent):  # real (docs/expressions.md)
        base = base._replace(v=base.v.astype(float))
    base, exponent = prepared(base, exponent)
    is_number = base.is_number and exponent.is_number
    try:
        v = np.power(base.v, exponent.v)
    except ValueError as error:  # a negative exponent of whole numbers
        raise Skip(str(error)) from error
    if v.dtype.kind != "f":
        return checked(v, None, is_number)
    n = float(exponent.v) if exponent.is_literal else None
    x = np.asarray(base.v).astype(v.dtype)
    y = np.asarray(exponent.v).astype(v.dtype)
    if n == 0.5:
        return checked(np.sqrt(x) if not is_number else np.sqrt(x)[()], None, is_number)
    is_product = n is not None and n == int(n) and 0 <= n <= 8
    if is_product and n <= 2:
        v = np.array([np.ones_like(x), x, x * x][int(n)], v.dtype)
        return checked(v[()] if is_number else v, None, is_number)
    v = np.power(x.astype(np.longdouble), y.astype(np.longdouble)).astype(float).astype(v.dtype)
    # The C library's pow is within a unit.
    bound = n * ulp(v) if is_product else 2 * ulp(v)
    return checked(v[()] if is_number else v, bound, is_number)


# ---- Reductions ----


def additions(count):
    return 20 + max(0, np.ceil(np.log2(max(count, 1) / 512)))


def sum_of(x, bound, axis, keepdims=False):
    """Of exact or inexact floats: the sum in long double, its bound and whether it is exact."""
    wide = x.astype(np.longdouble)
    total = wide.sum(axis=axis, keepdims=keepdims)
    absolute = np.abs(wide).sum(axis=axis, keepdims=keepdims)
    if (absolute[np.isfinite(absolute)] > MOST).any() if np.ndim(absolute) else MOST < absolute < np.inf:
        raise Skip("a sum that may overflow")
    if (np.asarray(total == 0) & ((x == 0) & np.signbit(x)).any(axis=axis, keepdims=keepdims)).any():
        raise Skip("the sign of a zero")
    finite = x[np.isfinite(x)].astype(float)
    scaled = finite * 4096
    if bound is None and (np.rint(scaled) == scaled).all() and np.abs(scaled).sum() < 2.0**52:
        return total, None
    count = x.size if axis is None else x.shape[axis]
    absolute = np.where(np.isfinite(absolute), absolute, 0).astype(float)
    more = 0 if bound is None else np.broadcast_to(bound, x.shape).sum(axis=axis, keepdims=keepdims)
    return total, 1.01 * additions(count) * U * absolute + more


def rounded(total, bound, dtype):
    """As a float64, then as the type."""
    v = np.asarray(total).astype(float)
    if bound is not None:
        bound = bound + ulp(v)
    if dtype == np.float32:
        v = v.astype(np.float32)
        if bound is not None:
            bound = bound + ulp(v)
    return v, bound


def finished(v, bound):
    is_number = np.ndim(v) == 0
    return checked(np.asarray(v)[()] if is_number else np.asarray(v), bound, is_number)


def reduce(name, operands, axis=None, keepdims=False, ddof=0):
    x = operands[0]
    if name == "vdot":
        x = binary(np.multiply, *operands)
        name = "sum"
        if x.dtype == np.bool_:
            raise Skip("numpy's vdot of truth values is one")
    if axis is not None and not -x.v.ndim <= axis < x.v.ndim:
        raise Skip("no such axis")
    options = {"axis": axis, "keepdims": keepdims}
    if name in ("any", "all", "count_nonzero", "argmin", "argmax"):
        need_exact(x)
        if name == "count_nonzero":
            return finished(np.asarray(np.count_nonzero(x.v, **options)), None)
        return finished(getattr(np, name)(x.v, **options), None)
    if name in ("min", "max"):
        if has_negative_zero(x):
            raise Skip("the sign of a zero")
        bound = None if x.is_exact else np.max(np.broadcast_to(x.bound, x.shape), **options)
        return finished(getattr(np, name)(x.v, **options), bound)
    if not is_float(x) and name in ("sum", "prod"):
        return finished(getattr(np, name)(x.v, **options), None)
    dtype = np.float32 if x.dtype == np.float32 else np.float64
    if name == "prod":
        need_exact(x)
        count = x.v.size if axis is None else x.shape[axis]
        logs = np.log2(np.abs(x.v.astype(float)))
        if np.abs(logs[np.isfinite(logs)]).sum() > 1000 or np.isinf(x.v).any() and (x.v == 0).any():
            raise Skip("a product that may overflow on the way")
        v = np.prod(x.v.astype(np.longdouble), **options)
        return finished(*rounded(v, 2.02 * U * count * np.abs(v).astype(float), dtype))
    count = x.v.size if axis is None else x.shape[axis]
    if name in ("var", "std"):
        need_exact(x)
        divisor = max(count - ddof, 0)
        wide = x.v.astype(np.longdouble)
        if np.abs(wide[np.isfinite(wide)]).max(initial=0) > 1e100:
            raise Skip("squares that may overflow")
        v = np.square(wide - wide.mean(axis=axis, keepdims=True)).sum(**options) / np.longdouble(divisor)
        # The sum of squares about a middle, one rounding before and one after the square, and what the middle is off.
        absolute = np.abs(wide).mean(axis=axis, keepdims=keepdims)
        off = np.square(4 * additions(count) * U * np.where(np.isfinite(absolute), absolute, 0)).astype(float)
        bound = (2 * additions(count) + 8) * U * np.abs(v).astype(float) + off * (count / divisor if divisor else 0)
        if name == "std":
            root = np.sqrt(v)
            bound = np.minimum(np.sqrt(bound), bound / np.maximum(root, 1e-300).astype(float))
            v = root
        return finished(*rounded(v, bound, dtype))
    if name == "norm":
        wide = x.v.astype(dtype)
        squares = wide * wide
        need_exact(x)
        total, bound = sum_of(squares, None, axis, keepdims)
        root = np.sqrt(total)
        if bound is not None:
            bound = np.minimum(np.sqrt(bound), bound / np.maximum(root, 1e-300).astype(float))
        else:
            bound = 0 * ulp(np.asarray(root, float))
        return finished(*rounded(root, bound, dtype))
    total, bound = sum_of(x.v if is_float(x) else x.v.astype(float), x.bound, axis, keepdims)
    if name == "mean":
        # Of the sum as a float64.
        total = np.asarray(total).astype(float).astype(np.longdouble) / np.longdouble(count)
        if bound is not None:
            bound = (bound + ulp(np.asarray(total, float) * count)) / count
    return finished(*rounded(total, bound, dtype))


REDUCTIONS = ("sum mean min max prod var std any all count_nonzero norm argmin argmax").split()


# ---- Texts ----


class Texts(ast.NodeVisitor):
    """Computes expressions over `names` in arrays of the shape `domain`."""

    def __init__(self, names, domain=()):
        self.names = names
        self.domain = tuple(domain)

    def compute(self, text):
        """numpy's warnings are about what IEEE 754 defines."""
        with np.errstate(all="ignore"):
            node = ast.parse(text.strip(), mode="eval").body
            value = self.visit(node)
        self.need_domain(node, value)
        return value

    def need_domain(self, node, value):
        """i and j are those of the arrays beside them: here always of the one domain."""
        is_positional = any(isinstance(part, ast.Name) and part.id in POSITIONS for part in ast.walk(node))
        if is_positional and value.shape != self.domain:
            raise Skip("positions in another shape")

    def generic_visit(self, node):
        raise Skip(f"no such thing: {ast.dump(node)}")

    def visit_Constant(self, node):
        number = node.value
        if isinstance(number, int) and abs(number) >= 2**63:
            number = float(number)
        return Value(np.int64(number) if isinstance(number, int) else np.float64(number), None, True, True)

    def visit_Name(self, node):
        if node.id in self.names:
            return self.names[node.id]
        if node.id in CONSTANTS:
            return Value(np.float64(CONSTANTS[node.id]), None, True, True)
        return self.position(node.id)

    def position(self, name):
        if not self.domain:
            raise Skip("no domain")
        is_line = len(self.domain) == 1
        rows, cols = (self.domain[0], 1) if is_line else self.domain
        if name == "rows":
            return Value(np.int64(rows), None, True)
        if name == "cols":
            return Value(np.int64(cols), None, True)
        if name == "i":
            return Value(np.arange(rows) if is_line else np.arange(rows).reshape(-1, 1))
        if name == "j":
            return Value(np.zeros(rows, np.int64) if is_line else np.arange(cols).reshape(1, -1))
        raise Skip(f"unknown name {name}")

    def visit_BinOp(self, node):
        left, right = self.visit(node.left), self.visit(node.right)
        if isinstance(node.op, ast.Pow):
            exponent = node.right
            is_negated = isinstance(exponent, ast.UnaryOp) and isinstance(exponent.op, ast.USub)
            value = power(left, right, is_negated)
            is_one = value.is_number and right.is_literal and right.v == 0  # whatever the number was
            return value._replace(is_literal=True) if is_one else self.folded(value, left, right)
        value = binary(OPERATORS[type(node.op)], left, right)
        return self.folded(value, left, right) if isinstance(node.op, (ast.Add, ast.Sub, ast.Mult)) else value

    @staticmethod
    def folded(value, *operands):
        """The sum, difference, product or power of literals is one."""
        return value._replace(is_literal=all(operand.is_literal for operand in operands))

    def visit_Compare(self, node):
        if len(node.ops) != 1:
            raise Skip("a chain of comparisons")
        left, right = self.visit(node.left), self.visit(node.comparators[0])
        need_exact(left, right)
        return binary(OPERATORS[type(node.ops[0])], left, right)

    def visit_UnaryOp(self, node):
        operand = self.visit(node.operand)
        if isinstance(node.op, ast.UAdd):
            return operand
        if isinstance(node.op, ast.USub):
            return operand._replace(v=np.negative(operand.v))
        need_exact(operand)
        return operand._replace(v=np.invert(operand.v), is_literal=False)

    def visit_Call(self, node):
        name = node.func.id
        values = [self.visit(argument) for argument in node.args]
        if name in REDUCTIONS:
            self.need_domain(node, values[0])
        keywords = {keyword.arg: ast.literal_eval(keyword.value) for keyword in node.keywords}
        if name in REDUCTIONS or name == "vdot":
            if any(value.is_number for value in values):
                raise Skip("a reduction of a number")
            return reduce(name, values, **keywords)
        if name in OF_FLOATS:
            return of_floats(name, *values)
        if name in ("minimum", "maximum"):
            return extremum(getattr(np, name), *values)
        if name == "clip":
            return extremum(np.minimum, extremum(np.maximum, values[0], values[1]), values[2])
        if name == "where":
            return self.where(*values)
        (x,) = values
        if name == "abs":
            return checked(np.abs(x.v), x.bound, x.is_number)
        need_exact(x)
        return checked(EXACTLY[name](x.v), None, x.is_number)

    @staticmethod
    def where(condition, a, b):
        need_exact(condition)
        a, b = prepared(a, b)
        is_number = condition.is_number and a.is_number and b.is_number
        v = np.where(condition.v, a.v, b.v)
        if a.is_number and b.is_number:
            v = v.astype(np.promote_types(a.dtype, b.dtype))
        bound = None
        if not (a.is_exact and b.is_exact):
            bound = np.where(condition.v, bound_of(a, v.dtype), bound_of(b, v.dtype))
        return checked(v[()] if is_number else v, bound, is_number)


def converted(value, dtype, shape):
    """What an array of that type and shape holds after `array[...] = value`."""
    dtype = np.dtype(dtype)
    bound = value.bound
    if bound is not None:
        if dtype.kind != "f":
            raise Skip("the whole part of what is not exact")
        bound = np.broadcast_to(bound_of(value, dtype), shape).copy()
    with np.errstate(all="ignore"):
        v = np.broadcast_to(np.asarray(value.v), shape)
        if v.dtype == np.int64 and dtype == np.float32:  # by way of float64, which numpy does not take
            v = v.astype(float)
        v = v.astype(dtype)
    return Value(v, bound)


def difference(found, value):
    """What is wrong with a dataset, or None."""
    expected = np.asarray(value.v)
    if value.is_number:
        expected = expected.astype(float if is_float(value) else np.int64)
    if expected.dtype == np.bool_:
        expected = expected.astype(np.int8)
    if found.dtype != expected.dtype:
        return f"type {found.dtype}, numpy has {expected.dtype}"
    if found.shape != expected.shape:
        return f"shape {found.shape}, numpy has {expected.shape}"
    with np.errstate(all="ignore"):
        bound = 0 if value.bound is None else value.bound
        is_right = (found == expected) | (np.abs(found.astype(np.longdouble) - expected) <= bound)
        if expected.dtype.kind == "f":
            is_right |= np.isnan(found) & np.isnan(expected)
            if value.bound is None and not value.is_number:
                is_right &= (np.signbit(found) == np.signbit(expected)) | np.isnan(expected)
    if is_right.all():
        return None
    place = tuple(int(n) for n in np.argwhere(~is_right)[0])
    bound = 0 if value.bound is None else np.broadcast_to(bound, expected.shape)[place]
    return (f"{np.count_nonzero(~is_right)} of {expected.size} elements, the first at {place}: {found[place]!r}, "
            f"numpy has {expected[place]!r}, allowed is {bound}")
