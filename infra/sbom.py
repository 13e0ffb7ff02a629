"""`cargo metadata` on standard input, the compiler as argument: a CycloneDX 1.5 list of what goes into
the binary on output."""

import json
import sys

metadata = json.load(sys.stdin)
packages = {package["id"]: package for package in metadata["packages"]}
nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}

inside, waiting = set(), [metadata["resolve"]["root"]]
while waiting:
    current = waiting.pop()
    if current in inside:
        continue
    inside.add(current)
    for dependency in nodes[current]["deps"]:
        # Neither what only tests need nor what only build scripts need.
        if any(kind["kind"] is None for kind in dependency["dep_kinds"]):
            waiting.append(dependency["pkg"])

root = packages[metadata["resolve"]["root"]]
components = []
for package in sorted((packages[i] for i in inside if i != root["id"]), key=lambda p: (p["name"], p["version"])):
    component = {
        "type": "library",
        "name": package["name"],
        "version": package["version"],
        "purl": f"pkg:cargo/{package['name']}@{package['version']}",
    }
    if package.get("license"):
        component["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
    components.append(component)
json.dump(
    {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "tools": {"components": [{"type": "application", "name": "rustc", "version": sys.argv[1]}]},
            "component": {"type": "application", "name": root["name"], "version": root["version"]},
        },
        "components": components,
    },
    sys.stdout,
    indent=1,
)
print()
