"""Conformance suites and small real implementations, public for the tests of plug-ins."""
