"""studiod: cuts jewellery out of studio photographs overnight, and says where it may have failed."""

import os

# onnxruntime sends usage events to its maker unless told otherwise before it is imported
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

__version__ = "0.1.0"
