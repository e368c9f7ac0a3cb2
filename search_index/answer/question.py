"""A query as it is understood: the thing that is sought, what it shall be like, and the rest."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from search_index import rules
from search_index.language.analysis import SAME, STOP, Analyzer, TaggedWord, is_hanzi, readings
from search_index.language.likes import says_what_like
from search_index.language.tokens import HANZI, LETTERS, NUMBER, QUANTITY, Token
from search_index.snapshots import Snapshot
from search_index.words.rules import OperatorRules

MODEL = "model"
# Parts of speech that name nothing: pronouns, particles, prepositions, conjunctions, adverbs.
_EMPTY = ("r", "u", "p", "c", "d", "y", "e", "o")
_ONE = ("一", "两", "几", "多", "这", "那")
# Characters that say what somebody does, or how much, not what they seek.
_ASKING = frozenset(
    "想要买找看求送给用穿戴吃喝打玩有卖帮选挑来能会做配为把对让被到里上下去不很最太更比跟就都也还又再请"
    "你我他她它您这那哪啥吗呢吧啊呀嘛哦嘞的得地着过些个款"
)
# Parts of speech that say what a thing is like, when or where.
_LIKE = ("a", "b", "t", "z", "v", "f", "s", "ns")
# Letters by which things of one kind end: 按摩器 and 按摩仪, 沐浴乳 and 沐浴露.
_KINDS = ("机器仪", "霜膏乳露液", "衫衣")


@dataclass(frozen=True)
class QueryTerm:
    """One word of a query: what else finds it, and what part it plays."""

    text: str
    kind: str
    # How it may be written, and what each is worth.
    forms: tuple[tuple[str, float], ...] = ()
    # A model's letters and number; a word that was typed in two pieces.
    pieces: tuple[str, ...] = ()
    speech: str = ""
    is_head: bool = False
    is_modifier: bool = False
    is_optional: bool = False

    @property
    def must_be(self) -> bool:
        """Whether something else is another thing: a colour may differ, a model may not."""
        return not (self.is_modifier and self.kind == HANZI)


@dataclass(frozen=True)
class Question:
    """The slots of a query in their order, and its words as they were typed."""

    slots: tuple[QueryTerm, ...]
    words: tuple[str, ...]


def read(snapshot: Snapshot, known: Analyzer, edits: OperatorRules, text: str) -> Question:
    """Return how a query is understood."""
    said = _joined(known, edits, known.said(text))[: 2 * rules.MAX_TERMS]
    words = tuple(dict.fromkeys(each.token.text for each in said if each.token.kind != QUANTITY))
    kept = [each for each in said if not _is_filler(known, edits, each)] or said
    slots = list(_slots(snapshot, known, edits, kept))[: rules.MAX_TERMS]
    distinct = list({slot.text: slot for slot in slots}.values())
    return Question(tuple(_with_head(snapshot, distinct)), words)


def _joined(known: Analyzer, edits: OperatorRules, said: Sequence[TaggedWord]) -> list[TaggedWord]:
    """Return the words with those made one that operators or synonyms know as one."""
    found: list[TaggedWord] = []
    place = 0
    while place < len(said):
        taken = 1
        for end in range(min(len(said), place + 6), place + 1, -1):
            parts = said[place:end]
            whole = "".join(each.token.text for each in parts)
            glued = all(each.token.is_glued for each in parts[1:])
            is_known = whole in edits.synonyms or whole in edits.fillers or whole in known.synonyms
            if glued and is_known:
                taken = end - place
                found.append(TaggedWord(Token(whole, HANZI if is_hanzi(whole) else LETTERS), "n"))
                break
        if taken == 1:
            found.append(said[place])
        place += taken
    return found


def _is_filler(known: Analyzer, edits: OperatorRules, each: TaggedWord) -> bool:
    text, speech = each.token.text, each.speech
    if text in edits.fillers:
        return True
    if each.token.kind != HANZI or text in edits.synonyms:
        return False
    if text in known.fillers or text in STOP:
        return True
    if text in known.synonyms:
        return False
    if len(text) == 1:
        return text in _ASKING
    return (
        speech[:1] in _EMPTY or (speech[:1] in "mq" and text[0] in _ONE) or text[1:] in ("个", "款")
    )


def _slots(
    snapshot: Snapshot, known: Analyzer, edits: OperatorRules, said: Sequence[TaggedWord]
) -> Iterator[QueryTerm]:
    place = 0
    while place < len(said):
        rest = said[place:]
        slot, taken = (
            _mixed(snapshot, known, rest)
            or _latin(snapshot, known, rest)
            or _word(snapshot, known, rest)
        )
        place += taken
        for part in _parts(snapshot, known, edits, slot):
            yield replace(part, forms=_forms(known, edits, part))


def _mixed(
    snapshot: Snapshot, known: Analyzer, said: Sequence[TaggedWord]
) -> tuple[QueryTerm, int] | None:
    """Return T恤, U盘 or POLO衫: letters and one Hanzi that make a word."""
    if len(said) < 2 or said[0].token.kind != LETTERS or len(said[1].token.text) != 1:
        return None
    word = known.mixed(said[0].token, said[1].token)
    if not word or not len(snapshot.docs("title", word)):
        return None
    return QueryTerm(word, HANZI, speech="n"), 2


def _latin(
    snapshot: Snapshot, known: Analyzer, said: Sequence[TaggedWord]
) -> tuple[QueryTerm, int] | None:
    token = said[0].token
    if token.kind == QUANTITY:
        return QueryTerm(token.text, QUANTITY, pieces=(token.value,)), 1
    after = said[1].token if len(said) > 1 else None
    if token.kind == NUMBER:
        if after and after.kind == LETTERS and after.is_glued and not _is_letters_number(said[1:]):
            joined = f"{token.text}{after.text}"
            if _is_term(snapshot, joined):
                return QueryTerm(joined, MODEL, pieces=(token.text, after.text)), 2
        return QueryTerm(token.text, NUMBER), 1
    if token.kind != LETTERS:
        return None
    pieces = _one_word(snapshot, said) or (token.text,)
    joined, taken = "".join(pieces), len(pieces)
    if _is_letters_number(said[taken - 1 :]):
        number = said[taken].token
        is_one = number.is_glued and _is_term(snapshot, joined)
        # What is no word of any name is pinyin or misspelt, and the number is another word.
        if is_one or _is_term(snapshot, f"{joined}{number.text}"):
            model = f"{joined}{number.text}"
            return QueryTerm(model, MODEL, pieces=(joined, number.text)), taken + 1
    return QueryTerm(joined, LETTERS, pieces=pieces if taken > 1 else ()), taken


def _is_letters_number(said: Sequence[TaggedWord]) -> bool:
    return len(said) > 1 and said[0].token.kind == LETTERS and said[1].token.kind == NUMBER


def _is_term(snapshot: Snapshot, term: str) -> bool:
    return any(len(snapshot.docs(name, term)) for name in ("title", "brand", "keyword"))


def _one_word(snapshot: Snapshot, said: Sequence[TaggedWord]) -> tuple[str, ...]:
    """Return letters that were typed apart and are one word: i phone, hua wei."""
    parts: list[str] = []
    for each in said[:3]:
        if each.token.kind != LETTERS:
            break
        parts.append(each.token.text)
    for length in range(len(parts), 1, -1):
        joined = "".join(parts[:length])
        if _is_term(snapshot, joined):
            return tuple(parts[:length])
        # Letters with a number behind them are a code, not the end of what is spelt before.
        if _is_letters_number(said[length - 1 :]) and said[length].token.is_glued:
            continue
        if any(not _is_term(snapshot, part) for part in parts[:length]) and _is_sound(
            snapshot, joined
        ):
            return tuple(parts[:length])
    return ()


def _is_sound(snapshot: Snapshot, letters: str) -> bool:
    return any(
        len(heard) > 1 and all(len(snapshot.docs("sound", f"{a}_{b}")) for a, b in pairwise(heard))
        for heard in readings(letters)
    )


def _word(snapshot: Snapshot, known: Analyzer, said: Sequence[TaggedWord]) -> tuple[QueryTerm, int]:
    """Return a word of Hanzi, with the next ones where they are one in names and cut by mistake."""
    first = said[0].token
    text, taken = first.text, 1
    for each in said[1:4]:
        longer = text + each.token.text
        is_cut = len(text) == 1 or len(each.token.text) == 1
        if each.token.kind != HANZI or not each.token.is_glued or not is_cut:
            break
        if longer not in known.synonyms and not len(snapshot.phrase(longer)):
            break
        text, taken = longer, taken + 1
    speech = said[0].speech if taken == 1 else "n"
    return QueryTerm(text, HANZI, speech=speech), taken


def _parts(
    snapshot: Snapshot, known: Analyzer, edits: OperatorRules, slot: QueryTerm
) -> Iterator[QueryTerm]:
    """Give a word as the words that it is made of, unless it means something of its own."""
    text = slot.text
    if slot.kind != HANZI or text in known.synonyms or text in edits.synonyms:
        yield slot
        return
    before, last = text[:-1], text[-1]
    is_whole = len(snapshot.docs("title", text)) or len(snapshot.phrase(text))
    if 2 <= len(text) <= 3 and not is_whole and says_what_like(before):
        # 女包, 白鞋: no name has it in one piece.
        yield replace(slot, text=before)
        yield replace(slot, text=last)
        return
    inside = [word for word in known.words(text) if 1 < len(word) < len(text)]
    for first in inside:
        rest = text.removeprefix(first)
        if text.startswith(first) and rest in inside:
            yield replace(slot, text=first)
            yield replace(slot, text=rest)
            return
    yield slot


def _forms(known: Analyzer, edits: OperatorRules, slot: QueryTerm) -> tuple[tuple[str, float], ...]:
    """Return the ways to write a word and what each is worth, the word itself first."""
    found = {slot.text: 1.0}
    for other in edits.synonyms.get(slot.text, ()):
        found.setdefault(known.normalise(other), SAME)
    for other, worth in known.synonyms.get(slot.text, {}).items():
        found.setdefault(other, worth)
    if slot.kind == HANZI:
        for other in _of_its_kind(slot.text):
            found.setdefault(other, rules.KIND)
    return tuple(found.items())


def _of_its_kind(word: str) -> Iterator[str]:
    if len(word) > 2:
        for kind in _KINDS:
            if word[-1] in kind:
                yield from (word[:-1] + other for other in kind if other != word[-1])
    if len(word) == 2 and (word[1] in "子儿" or word[0] == word[1]):
        yield word[0]


def _with_head(snapshot: Snapshot, slots: Sequence[QueryTerm]) -> Iterator[QueryTerm]:
    """Mark the thing that is sought: the last word that does not say what it shall be like."""
    modifiers = [_is_modifier(snapshot, slot) for slot in slots]
    things = [n for n, slot in enumerate(slots) if not modifiers[n] and slot.kind == HANZI]
    head = things[-1] if things else -1
    for place, slot in enumerate(slots):
        is_unsaid = slot.kind == HANZI and slot.speech[:1] == "a" and place != head
        yield replace(
            slot,
            is_head=place == head,
            is_modifier=modifiers[place],
            is_optional=is_unsaid and len(slots) > 1,
        )


def _is_modifier(snapshot: Snapshot, slot: QueryTerm) -> bool:
    text = slot.text
    if slot.kind != HANZI or says_what_like(text):
        return True
    if len(snapshot.docs("leaf", text)):
        return False
    if len(snapshot.docs("brand", text)):
        return True
    return slot.speech[:1] in _LIKE or slot.speech in _LIKE
