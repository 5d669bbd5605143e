"""Writes DecompositionTable.swift from Python's copy of the Unicode Character Database.

    python3 Scripts/make_decompositions.py > Sources/CollabBackends/Native/Tokenizers/File/DecompositionTable.swift

Each entry is the distance from the character before, a sign, and the parts: `=` a canonical decomposition that composes
again, `-` one that does not, `~` a compatibility decomposition. All numbers are hexadecimal.
"""

import textwrap
import unicodedata

entries = []
last = 0
for value in range(0x110000):
    if 0xD800 <= value < 0xE000 or 0xAC00 <= value < 0xD7A4:
        continue
    parts = unicodedata.decomposition(chr(value)).split()
    if not parts:
        continue
    sign = "~" if parts[0].startswith("<") else "="
    if sign == "~":
        parts = parts[1:]
    elif unicodedata.normalize("NFC", chr(value)) != chr(value):
        sign = "-"
    entries.append(f"{value - last:X}{sign}" + ".".join(part.lstrip("0") or "0" for part in parts))
    last = value

print(f"""/// The decompositions of Unicode {unicodedata.unidata_version}, as `Scripts/make_decompositions.py` writes them.
///
/// Each entry is the distance from the character before, a sign, and the parts: `=` a canonical decomposition that
/// composes again, `-` one that does not, `~` a compatibility decomposition. All numbers are hexadecimal.
enum DecompositionTable {{
    /// The entries in the order of the characters.
    static let text = \"\"\"""")
for line in textwrap.wrap(" ".join(entries), 110, break_long_words=False, break_on_hyphens=False):
    print("        " + line)
print('        """\n}')
