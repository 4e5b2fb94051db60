"""The functions that machine code of kmodels has, and those of the C library that it may call."""

RUN, CREATE, DESTROY = EXPORTS = ("kpuc_run", "kpuc_pool_create", "kpuc_pool_destroy")
"""`kpuc_run(weights, arena, arguments, pool, first, end)` runs the network once: its steps from `first` up to but not
including `end`, which both are 64-bit integers. `arguments`: addresses of inputs, then outputs.

`kpuc_pool_create(pool, threads)` makes a pool of so many threads, the caller's included, out of POOL_BYTES zeros at a
multiple of 64 bytes, and gives how many threads it has; `kpuc_pool_destroy(pool)` ends them. `kpuc_run` without a pool
(null) stays in its thread.
"""

MOST_STEPS = 2**63 - 1
"""An `end` behind all steps."""
MOST_THREADS = 64
POOL_BYTES = 1024

_MATH = (
    "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "ceil", "cos", "cosh", "erf", "erfc", "exp",
    "exp10", "exp2", "expm1", "floor", "fma", "fmax", "fmin", "fmod", "ldexp", "log", "log10", "log1p", "log2",
    "nearbyint", "pow", "remainder", "rint", "round", "roundeven", "sin", "sincos", "sinh", "sqrt", "tan", "tanh",
    "tgamma", "trunc",
)  # fmt: skip
ALLOWED = frozenset(
    ["memcpy", "memmove", "memset", "pthread_create", "pthread_join", "sched_yield", "syscall", *_MATH]
    + [f"{name}f" for name in _MATH]
)
"""What an object may leave undefined: functions of the C library, its mathematics and POSIX threads."""
