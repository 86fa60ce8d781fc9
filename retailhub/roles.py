"""Moved to the kernel: every app asks it."""

from retailhub.kernel.roles import ABILITIES, Ability, Role, abilities_of, may

__all__ = ["ABILITIES", "Ability", "Role", "abilities_of", "may"]
