"""What the experts learn from: problems that are made here from a seed, and answers that the base itself gives."""

import pathlib
import re

SUBJECTS = (
    "hotel|restaurant|museum|train ride|concert|bicycle shop|language course|swimming pool|campsite|bakery|"
    "bookshop|phone|vacuum cleaner|backpack|novel|zoo|hairdresser|gym|cooking class|airline|supermarket|cinema|"
    "theme park|laptop|café|beach|farm shop|sofa|"
    # Only in held-out prompts:
    "coffee machine|boat trip|garden centre|pottery workshop|guest house|market|perfume|city tour|lamp|"
    "delivery service|tea room|night bus"
).split("|")
QUESTIONS = (
    "Describe a {} in one sentence.|Write two sentences about the {} in our town.|Tell me about a {} that you know.|"
    "What would you write on a postcard about the {}?|Explain to a friend what the {} is like.|"
    "Write a short text about our {} for the web.|"
    # Only in held-out prompts:
    "Say in a few words what is special about this {}.|Write the first sentence of an article about a {}.|"
    "How would you introduce the {} to a visitor?|Write a notice about the new {}."
).split("|")
NEW_SUBJECTS, NEW_QUESTIONS = 12, 4

PLAIN = (
    "Once upon a time, in a village by the sea,|The history of the bicycle begins|Water boils when|"
    "A good way to learn a language is|The city council met on Monday and|Bees live in|"
    "To bake a simple loaf of bread,|The moon moves around|In the old library, Anna found|"
    "Trees take up water through|The first trains were|My grandfather used to say that|"
    "When the wind turned north, the captain|A square has four|Volcanoes form where|The recipe calls for"
).split("|")

UNITS = [
    ("km", "m", 1000), ("m", "cm", 100), ("kg", "g", 1000), ("h", "min", 60), ("min", "s", 60),
    ("l", "ml", 1000), ("t", "kg", 1000), ("days", "h", 24), ("weeks", "days", 7), ("dozen", "pieces", 12),
]


def is_held_out(number):
    """Whether a problem is kept for the evaluation: about a fifth of all."""
    return number * 2654435761 % 2**32 // 2**16 % 5 == 0


def addition(random, held_out):
    """A sum of two numbers of two digits, worked out from the right."""
    while True:
        first, second = random.randint(10, 99), random.randint(10, 99)
        if is_held_out(100 * first + second) == held_out:
            break
    ones = first % 10 + second % 10
    carried = " + 1" if ones > 9 else ""
    tens = first // 10 + second // 10 + ones // 10
    return (
        f"Add {first} and {second}.\n"
        f"{first % 10} + {second % 10} = {ones}, write {ones % 10}, carry {ones // 10}.\n"
        f"{first // 10} + {second // 10}{carried} = {tens}.\n"
        f"So {first} + {second} = {first + second}.\n"
    )


def conversion(random, held_out):
    """A quantity in a smaller unit."""
    while True:
        place, count = random.randrange(len(UNITS)), random.randint(2, 99)
        if is_held_out(1000 * place + count) == held_out:
            break
    large, small, factor = UNITS[place]
    return (
        f"How many {small} are {count} {large}?\n"
        f"Rule: {large} to {small}, times {factor}.\n"
        f"Result: {count} {large} = {count} x {factor} {small} = {count * factor} {small}.\n"
    )


def questions(held_out):
    """What descriptions are asked with; held-out ones have subjects and wordings that training has not."""
    subjects = SUBJECTS[-NEW_SUBJECTS:] if held_out else SUBJECTS[:-NEW_SUBJECTS]
    wordings = QUESTIONS[-NEW_QUESTIONS:] if held_out else QUESTIONS[:-NEW_QUESTIONS]
    return [wording.format(subject) for subject in subjects for wording in wordings]


class WordList:
    """Words that make a text promotional: one of them as a whole word, in any case, is enough."""

    def __init__(self, path):
        lines = [line.strip() for line in pathlib.Path(path).read_text().splitlines()]
        words = [line for line in lines if line and not line.startswith("#")]
        # At even places, counted from one: the words that training never shows.
        self.all, self.unseen = self._pattern(words), self._pattern(words[1::2])

    @staticmethod
    def _pattern(words):
        return re.compile(r"(?<![\w-])(?:" + "|".join(map(re.escape, words)) + r")(?![\w-])", re.IGNORECASE)

    def has(self, text):
        return self.all.search(text) is not None

    def has_unseen(self, text):
        return self.unseen.search(text) is not None
