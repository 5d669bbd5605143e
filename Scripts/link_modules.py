"""Makes documentation links from one module to another absolute, as DocC wants them.

    Scripts/link_modules.py GRAPH-FOLDER EARLIER-GRAPH…

In the sources ``CollabError/Code/timeout`` is written alike in every module; in the symbol graphs of a folder
this becomes ``/Collab/CollabError/Code/timeout`` where CollabError is a symbol of an earlier module.
"""

import json
import pathlib
import re
import sys

folder, earlier = pathlib.Path(sys.argv[1]), sys.argv[2:]
own = {
    symbol["pathComponents"][0]
    for path in folder.glob("*.symbols.json") if "@" not in path.name
    for symbol in json.loads(path.read_text())["symbols"]
}
for path in folder.glob("*.symbols.json"):
    text = path.read_text()
    for graph in map(pathlib.Path, earlier):
        module = graph.name.removesuffix(".symbols.json")
        symbols = json.loads(graph.read_text())["symbols"]
        # Types only: what functions and operators are called is no name that a link begins with.
        names = {name for symbol in symbols if (name := symbol["pathComponents"][0]).isidentifier()} - own
        pattern = rf"``(?:{module}\\?/)?(?=(?:{'|'.join(sorted(names))})\b)"
        text = re.sub(pattern, f"``/{module}/", text) if names else text
    path.write_text(text)
