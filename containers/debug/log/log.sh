#!/bin/sh
trap 'exit 143' TERM INT
say() {
  printf '%s\n' "$1"
  sleep "${PAUSE:-1}"
}

say "A pipeline is a directed acyclic graph of tasks that run together."
say "A task is one container; a run is one execution of a pipeline."
say "Tasks that depend on nothing start at once, side by side."
say "Tasks that depend on others wait for them, and for how they end."
say ""
say "What a task prints is its log, kept line by line as it comes."
say "Whoever follows it sees each line when it is printed."
say "Whoever comes late sees the lines that are there, and then the new ones."
say "When the last line is read and the task has ended, the log is complete."
say ""
say "This line goes to standard output."
say "And this one to standard error." >&2
say "That was all."
