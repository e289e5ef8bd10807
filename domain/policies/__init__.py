"""Decisions as pure, total functions: they take model values, return data, and never raise for a refusal."""
