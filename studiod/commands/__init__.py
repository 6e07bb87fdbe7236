"""What the command line does: a module a command, or a family of them."""
