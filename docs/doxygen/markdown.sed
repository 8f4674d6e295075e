# SPDX-License-Identifier: MIT
# Links within the project lead out of the reference: their targets as text instead.
s/!\[[^]]*\]\([^)]*\)//g
s/\[([^]]+)\]\(([^):]+)\)/\1/g
