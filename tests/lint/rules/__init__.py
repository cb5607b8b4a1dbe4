"""Every rule: a name and a generator of offences."""

from rules import formatting, includes, names, scripts, sizes, structure, words

RULES = {
    "sizes": sizes.check,
    "includes": includes.check,
    "names": names.check,
    "words": words.check,
    "structure": structure.check,
    "scripts": scripts.check,
    "format": formatting.check,
}
