"""Writes DecompositionTable.swift from Python's copy of the Unicode Character Database.

    python3 Scripts/make_decompositions.py > Sources/CollabBackends/Native/Tokenizers/File/DecompositionTable.swift

Each entry is the distance from the character before, a sign, and the parts: `=` a canonical decomposition that composes
again, `-` one that does not, `~` a compatibility decomposition. All numbers are hexadecimal.

    python3 Scripts/make_decompositions.py --expected > Tests/CollabBackendsTests/Fixtures/normalisation.txt

writes what the tests expect: for each form and each block of 1,024 characters an FNV-1a hash (32 bits) of q, the character,
U+0323, U+0301, the character again and a, normalised, for every character of the block that is known.
"""

import sys
import textwrap
import unicodedata

if "--expected" in sys.argv:
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        for block in range(0, 0x30000, 1024):
            value = 0x811C9DC5
            for scalar in map(chr, range(block, block + 1024)):
                if unicodedata.category(scalar) in ("Cn", "Cs", "Co"):
                    continue
                for byte in unicodedata.normalize(form, "q" + scalar + "\u0323\u0301" + scalar + "a").encode():
                    value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
            print(form, f"{block:x} {value:08x}")
    sys.exit()

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
