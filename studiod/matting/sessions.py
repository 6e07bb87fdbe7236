"""Sessions of onnxruntime: opened one way for every network, on the device that the settings name."""

from __future__ import annotations

import hashlib
from pathlib import Path

import onnxruntime

from studiod.errors import StudioError
from studiod.settings import Provider

_PROVIDERS: dict[Provider, str] = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "directml": "DmlExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
}


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
            f"this onnxruntime has no {provider} provider",
            'Set provider = "cpu" in [matting], or install the onnxruntime package made for that device.',
        )
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=[wanted])
    except Exception as error:  # onnxruntime raises a dozen types of its own
        raise StudioError(
            f"{path}: this model cannot be opened ({str(error).splitlines()[0]})",
            "Check `model` in [matting]: it must be an ONNX file.",
        ) from error


def hash_files(*paths: Path) -> str:
    """The sha256 of the files' bytes, one after the other."""
    digest = hashlib.sha256()
    for path in paths:
        try:
            digest.update(path.read_bytes())
        except OSError as error:
            raise StudioError(
                f"{path}: this model cannot be read ({error.strerror})", "Check `model` in [matting]."
            ) from error
    return digest.hexdigest()
