"""A queue of numbered tasks that threads take from, so that a slow core does not hold up the others.

Numba hands every thread an equal share of a ``prange`` before it begins, and on a shared machine equal shares take unequal
times. Here a ``prange`` over the threads takes tasks one by one. Which thread works on a task must not change its result:
a task owns its outputs.
"""

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

__all__ = ["take"]


def _take(typing_context: Any, queue: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        counter = context.make_array(signature.args[0])(context, builder, args[0]).data
        return builder.atomic_rmw("add", counter, ir.IntType(64)(1), "monotonic")

    return types.int64(queue), generate


# The number of the next task: what the one element of an int64 array holds, which goes up by one whichever thread asks.
take: Any = intrinsic(_take)
