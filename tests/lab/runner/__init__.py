# SPDX-License-Identifier: BSD-3-Clause
"""The parts of tests/lab/run: each begins with what it is about; test_*.py are their unit tests."""
