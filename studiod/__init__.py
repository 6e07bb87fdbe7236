"""studiod: cuts jewellery out of studio photographs overnight, and says where it may have failed."""

__version__ = "0.1.0"
