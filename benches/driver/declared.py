"""What peers declare: the columns of `schemas/conversations.json` in the API's own names and shapes.

A leaf for each leaf that kore-lake stores, but for three that are kore-lake's own work and that no peer is asked to do:
the `extra` columns (unknown keys), the columns that begin with `_` (hash, flags, times of the fetch), and the agent of
an `AgentSegment`, whose keys stand flat in the element and which kore-lake moves to `responding_agent`; peers drop
these keys. Of a column with several keys (`reason`) each key has a column. So peers do a little less, never more, but
for those aliases.
"""

import json
from pathlib import Path

SCHEMA = Path(__file__).parents[2] / "schemas" / "conversations.json"
# Sent as text by the API where the schema has a boolean (`"NO"`) or a number (`""`): kore-lake converts, no peer need.
AS_TEXT = {"isVoicemail", "attempt"}


def columns():
    """A tree: a list of (name, type), type a word, ("list", type) or ("struct", [(name, type)])."""
    schema = json.loads(SCHEMA.read_text())
    return members(schema["columns"], schema["structs"])


def members(entries, structs):
    found, seen = [], set()
    for entry in entries:
        if entry.get("key") is None:
            continue
        for key in [entry["key"], *entry.get("aliases", [])]:
            # Engines that fold case cannot tell `Reason` from `reason`.
            if key.lower() not in seen:
                seen.add(key.lower())
                found.append((key, "string" if key in AS_TEXT else typed(entry, structs)))
    return found


def typed(entry, structs):
    kind = entry.get("element", "string") if entry["type"] == "list" else entry["type"]
    if kind == "struct":
        kind = ("struct", members(structs[entry["struct"]], structs))
    return ("list", kind) if entry["type"] == "list" else kind


def mapped(tree, words, a_list, a_struct):
    """A tree's type in an engine's words; None where the engine has no word for a leaf, which is then left out."""
    if isinstance(tree, str):
        return words.get(tree)
    kind, inner = tree
    if kind == "list":
        element = mapped(inner, words, a_list, a_struct)
        return None if element is None else a_list(element)
    fields = [(name, mapped(type_, words, a_list, a_struct)) for name, type_ in inner]
    return a_struct([(name, type_) for name, type_ in fields if type_ is not None])
