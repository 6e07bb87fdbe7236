"""Approved items become files in the outbox: atomic, repeatable after a crash, never over anything else."""
