"""Labels and styles of the sets that captions are made for."""

CONTENTS = ("walk", "run", "walk-turn-left", "walk-turn-right", "wave-left-hand", "wave-right-hand", "wave-both-hands",
            "raise-up-left-hand", "raise-up-right-hand", "raise-up-both-hands")  # fmt: skip
STYLES = ("active", "elderly", "exhausted", "feminine", "masculine", "normal", "youthful")
DEEPMIMIC = ("backflip", "cartwheel", "crawl", "dance", "getup", "jog", "jump", "kick", "punch", "roll", "run",
             "sideflip", "spin", "spinkick", "stealthy", "walk", "zombie")  # fmt: skip
PAIRS = [(label, style) for label in CONTENTS for style in STYLES] + [(label, "") for label in DEEPMIMIC]
