# SPDX-License-Identifier: BSD-3-Clause
"""The parts of tests/lab/bench: each says what it is about; test_*.py are their unit tests."""
