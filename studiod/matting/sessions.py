"""Sessions of onnxruntime: opened one way for every network, on the device that the settings name."""

from __future__ import annotations

import hashlib
from pathlib import Path

import onnxruntime

from studiod.errors import StudioError
from studiod.names import printable
from studiod.settings import Provider

_PROVIDERS: dict[Provider, str] = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "directml": "DmlExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
}
_CHECK_MODEL = "Check `model` in [matting]; where it is empty, install studiod again."


def open_session(path: Path, threads: int, provider: Provider) -> onnxruntime.InferenceSession:
    """An onnxruntime session of `path`; `threads` 0 lets onnxruntime choose."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.enable_cpu_mem_arena = False  # it keeps the workspace of the largest tiles, for nothing gained
    options.enable_mem_pattern = False  # tiles have many shapes: each would have a plan of its own
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    wanted = _PROVIDERS[provider]
    if wanted not in onnxruntime.get_available_providers():
        raise StudioError(
            f"The onnxruntime installed here does not know the provider {provider}.",
            'Set provider = "cpu" in [matting], or install the onnxruntime package made for that device.',
        )
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=[wanted])
    except Exception as error:  # onnxruntime raises a dozen types of its own
        said = str(error).splitlines()[0].rstrip(".")
        raise StudioError(
            f"The model {printable(path)} is no ONNX file that can be opened: {said}.", _CHECK_MODEL
        ) from error


def hash_files(*paths: Path) -> str:
    """The sha256 of the files' bytes, one after the other."""
    digest = hashlib.sha256()
    for path in paths:
        try:
            digest.update(path.read_bytes())
        except OSError as error:
            raise StudioError(
                f"The model {printable(path)} cannot be read: {error.strerror}.", _CHECK_MODEL
            ) from error
    return digest.hexdigest()
