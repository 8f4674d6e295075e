# SPDX-License-Identifier: MIT
"""What these scripts refuse."""


class TrainError(Exception):
    """Input that cannot be used; the message names it. train.py prints it and ends with exit code 1."""
