"""What ONNX Runtime raises and prints, for all that runs models with it."""

from __future__ import annotations

from onnxruntime.capi import onnxruntime_pybind11_state as native

ERRORS_ONLY = 3
"""Severity from which ONNX Runtime writes to standard error."""

RUNTIME_ERRORS: tuple[type[Exception], ...] = (
    *(
        found
        for found in vars(native).values()
        if isinstance(found, type) and issubclass(found, Exception)
    ),
    RuntimeError,
    ValueError,
    MemoryError,
)
"""All that ONNX Runtime raises. Its own errors have no common base, and versions differ in them."""
