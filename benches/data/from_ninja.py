#!/usr/bin/env python3
"""Writes the graph of a finished ninja build, with its measured durations, for `benches/makespan`.

    ninja -C DIRECTORY -j1        # one at a time, so that no command slows another down
    from_ninja.py DIRECTORY 'project and version' 'how and where it was measured' > PROJECT.graph

Edges come from `ninja -t graph`, durations from `.ninja_log`. Phony edges are taken out, and so are
needs that follow from other needs. What is printed is described in README.md.
"""

import re
import subprocess
import sys
from pathlib import Path

NODE = re.compile(r'"(\w+)" \[label="(.*?)"(, shape=ellipse)?\]$')
ARROW = re.compile(r'"(\w+)" -> "(\w+)"(?: \[(.*)\])?$')


def read_graph(directory):
    """The outputs and the inputs of each command."""
    text = subprocess.check_output(["ninja", "-C", directory, "-t", "graph", "all"], text=True)
    names, commands, arrows = {}, set(), []
    for line in text.splitlines():
        if node := NODE.match(line):
            names[node[1]] = node[2]
            if node[3]:
                commands.add(node[1])
        elif arrow := ARROW.match(line):
            arrows.append(arrow.groups())
    outputs, inputs = {}, {}
    for source, target, style in arrows:
        if "label=" in (style or ""):
            # A command with one input and one output is the arrow itself.
            outputs[source, target], inputs[source, target] = [names[target]], [names[source]]
        elif source in commands:
            # Further outputs that nobody needs have an arrow, but no name.
            outputs.setdefault(source, []).append(names.get(target, target))
        else:
            inputs.setdefault(target, []).append(names[source])
    return outputs, inputs


def read_log(directory):
    """Start and end of the last command that made each output, in milliseconds."""
    times = {}
    for line in (Path(directory) / ".ninja_log").read_text().splitlines()[1:]:
        start, end, _, output, _ = line.split("\t")
        times[output] = int(start), int(end)
    return times


def main(directory, project, measured):
    outputs, inputs = read_graph(directory)
    times = read_log(directory)
    ran = {c: times[next(o for o in made if o in times)] for c, made in outputs.items() if any(o in times for o in made)}
    maker = {output: command for command, made in outputs.items() for output in made}

    def needs(command, seen):
        """The commands that ran and that this one waits for, through those that are phony."""
        for name in inputs.get(command, []):
            source = maker.get(name)
            if source in ran:
                yield source
            elif source and source not in seen:
                seen.add(source)
                yield from needs(source, seen)

    order = sorted(ran, key=ran.get)
    number = {command: index for index, command in enumerate(order)}
    ancestors, lines = [], []
    for index, command in enumerate(order):
        direct = sorted({number[need] for need in needs(command, set())}, reverse=True)
        assert all(need < index for need in direct), f"{outputs[command]} ran before what it needs"
        above, kept = set(), []
        for need in direct:
            if need not in above:
                kept.append(need)
                above |= ancestors[need] | {need}
        ancestors.append(above)
        start, end = ran[command]
        name = outputs[command][0].replace(" ", "_")
        lines.append(" ".join(map(str, [end - start, name, *sorted(kept)])))

    version = subprocess.check_output(["ninja", "--version"], text=True).strip()
    print(f"# {project}, built by ninja {version}.")
    print(f"# {measured}")
    print("# Durations, output names and needs are facts of that build; no part of the project is in here.")
    print("# milliseconds, what is made, the numbers of the lines that it needs (the first is 0)")
    print("\n".join(lines))


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
