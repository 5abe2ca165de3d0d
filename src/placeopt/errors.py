"""Errors and findings as users import them, from ``placeopt.base.errors``."""

from placeopt.base.errors import (
    EngineError,
    EngineMissing,
    Finding,
    InputError,
    NoPlanError,
    OutputError,
    PlaceError,
    PlaceoptError,
    ScenarioError,
    Severity,
    UsageError,
    VerificationError,
)

__all__ = [
    "EngineError",
    "EngineMissing",
    "Finding",
    "InputError",
    "NoPlanError",
    "OutputError",
    "PlaceError",
    "PlaceoptError",
    "ScenarioError",
    "Severity",
    "UsageError",
    "VerificationError",
]
