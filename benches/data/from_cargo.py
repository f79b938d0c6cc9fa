#!/usr/bin/env python3
"""Writes the graph of a cargo build, with its measured durations, for `benches/makespan`.

    RUSTC_BOOTSTRAP=1 cargo build --release --unit-graph -Z unstable-options > UNITS.json
    cargo build --release -j1 --timings       # from nothing, one unit at a time
    from_cargo.py UNITS.json TIMINGS.html 'project and version' 'how and where it was measured' > PROJECT.graph

A library whose dependents can begin with its metadata is two tasks: the frontend, and the code
generation that needs it. What is printed is described in README.md.
"""

import json
import re
import sys
from pathlib import Path


def key(unit):
    """What a unit of the unit graph and one of the timings have in common."""
    package = unit["pkg_id"]
    version = re.split("[#@]", package)[-1]
    name = package.split("#")[-1].split("@")[0] if "@" in package else unit["target"]["name"]
    kind = unit["target"]["kind"][0]
    target = f' {unit["target"]["name"]} "bin"' if kind == "bin" else ""
    if kind == "custom-build":
        target = " build-script (run)" if unit["mode"] == "run-custom-build" else " build-script"
    return name.replace("-", "_"), version, target, tuple(sorted(unit["features"]))


def main(units, timings, project, measured):
    units = json.loads(Path(units).read_text())["units"]
    page = Path(timings).read_text()
    data = json.loads(re.search(r"const UNIT_DATA = (\[.*?\]);\n", page, re.DOTALL)[1])
    found = {(t["name"].replace("-", "_"), t["version"], t["target"], tuple(sorted(t["features"]))): t for t in data}
    timing = [found.pop(key(unit)) for unit in units]
    assert not found, f"not in the unit graph: {list(found)}"

    lines, frontend, whole = [], {}, {}
    for index in sorted(range(len(units)), key=lambda index: timing[index]["start"]):
        unit, time = units[index], timing[index]
        library = unit["target"]["kind"] == ["lib"]
        needs = set()
        for dependency in unit["dependencies"]:
            other = dependency["index"]
            needs.add(frontend[other] if library and other in frontend else whole[other])
        name = time["name"] + time["target"].replace(" ", "_").replace('"', "")
        length = round(time["duration"] * 1000)
        sections = dict(time["sections"] or [])
        if library and "codegen" in sections:
            first = round(sections["codegen"]["start"] * 1000)
            frontend[index] = len(lines)
            lines.append(f"{first} {name}_frontend " + " ".join(map(str, sorted(needs))))
            needs, name, length = {frontend[index]}, f"{name}_codegen", length - first
        whole[index] = len(lines)
        lines.append(f"{length} {name} " + " ".join(map(str, sorted(needs))))

    print(f"# {project}.")
    print(f"# {measured}")
    print("# Durations, names of crates and needs are facts of that build; no part of any crate is in here.")
    print("# milliseconds, what is made, the numbers of the lines that it needs (the first is 0)")
    print("\n".join(line.rstrip() for line in lines))


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
