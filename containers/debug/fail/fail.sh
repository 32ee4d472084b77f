#!/bin/sh
echo "This task fails on purpose, with exit code ${EXIT_CODE:-1}." >&2
exit "${EXIT_CODE:-1}"
