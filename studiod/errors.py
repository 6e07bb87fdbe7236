"""What studiod says when something is wrong: one sentence, and what to do about it."""

from __future__ import annotations


class StudioError(Exception):
    """Something a person can act on: `message` says what happened, `hint` what to do.

    Its text is both. `exit_code` is what the command line returns for it.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()

    def __reduce__(self) -> tuple[type[StudioError], tuple[str, str]]:
        return type(self), (self.message, self.hint)


class SettingsError(StudioError):
    """The configuration, a preset or a catalogue cannot be used as it is written."""

    exit_code = 2


class PictureError(StudioError):
    """A file is not a picture that can be processed: it belongs in quarantine."""


class PlateError(StudioError):
    """A plate does not fit its photograph and is not used."""


class TransitionRefused(StudioError):
    """An item is no longer in the state, or at the version, that was expected."""

    exit_code = 3


class GateRefused(StudioError):
    """An item may not be approved or delivered without what the price gate demands."""

    exit_code = 3


class NotLookedAt(GateRefused):
    """A person has not looked closely enough at what they want to approve."""


class LedgerError(StudioError):
    """The database cannot be opened, migrated or trusted."""


class OutOfSpace(StudioError):
    """A file system that studiod writes to is full, or below the configured floor."""
