"""The words that answers are made of, Swedish and English; laws, reasons, types and categories bring their own.

say("permit")      "tillåts" or "permitted"
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from samband.connectors.cli.terminal import options

__all__ = ["both", "category_both", "category_words", "either", "say"]

_WORDS: Final = MappingProxyType(
    {
        # what became of it
        "waiting": ("väntar på grinden", "waits for the gate"),
        "permit": ("tillåts", "permitted"),
        "deny": ("tillåts inte", "denied"),
        "denied": ("tillåts inte", "denied"),
        "ask": ("en människa måste avgöra", "a person must decide"),
        "refused": ("avvisat", "refused"),
        "recalled": ("återkallat", "recalled"),
        "accepted": ("mottaget", "accepted"),
        "recorded": ("registrerat", "recorded"),
        "handed_over": ("överlämnat", "handed over"),
        "opened": ("öppnat", "opened"),
        "acted": ("åtgärdat", "acted on"),
        "mismatch": ("innehållet stämde inte", "content was not what was judged"),
        "misdirected": ("felsänt", "misdirected"),
        "expired": ("för gammalt", "expired"),
        "erased": ("gallrat", "erased"),
        "answered": ("besvarat", "answered"),
        "handing": ("lämnas över", "being handed over"),
        "dead": ("avvisat av ert system, väntar på er", "refused by your system, waits for you"),
        "shown": ("visat", "shown"),
        # what was said
        "decision": ("beslut", "decision"),
        "event": ("händelse", "event"),
        "receipt": ("kvittens", "receipt"),
        "recall": ("återkallelse", "recall"),
        "refusal": ("avvisning", "refusal"),
        "erasure": ("gallring", "erasure"),
        "sample": ("stickprov", "spot check"),
        "requested": ("begärt", "requested"),
        "drawn": ("draget", "drawn"),
        "deviation": ("avvikelse", "deviation"),
        "notice": ("underrättelse", "notice"),
        "head": ("livstecken", "sign of life"),
        "gate_state": ("grindens tillstånd", "the gate's state"),
        "said": ("sagt", "said"),
        "or by decision": ("eller beslut", "or by decision"),
        "of a named function": ("av en utsedd funktion hos er", "of a named function of yours"),
        "active": ("gäller", "holds"),
        "pending": ("väntar på underskrift", "waits for signatures"),
        "not_yet": ("gäller inte än", "holds not yet"),
        "withdrawn": ("återkallat", "withdrawn"),
        "since": ("sedan", "since"),
        "knew.recorded": ("registrerade det", "recorded it"),
        "knew.named": ("underrättad", "was told"),
        "knew.signed": ("tog emot en underskrift", "took a signature"),
        "knew.confirmed": ("bekräftade sin del", "confirmed its part"),
        "knew.disputed": ("ifrågasatte det", "doubted it"),
        "knew.withdrew": ("tog emot återkallelsen", "heard the withdrawal"),
        "failed": ("kunde inte skickas", "could not be sent"),
        "view": ("läsning", "reading"),
        # labels
        "ground": ("grund", "ground"),
        "why": ("varför", "why"),
        "why not": ("varför inte", "why not"),
        "who can remedy": ("vem kan ändra", "who can remedy"),
        "message": ("meddelande", "message"),
        "question": ("fråga", "question"),
        "part": ("del av bilaga", "part of an attachment"),
        "tells": ("berättar", "tells"),
        "time": ("tid", "time"),
        "type": ("typ", "type"),
        "from": ("från", "from"),
        "to": ("till", "to"),
        "unit": ("enhet", "unit"),
        "state": ("läge", "state"),
        "what": ("vad", "what"),
        "outcome": ("utfall", "outcome"),
        "obligation": ("skyldighet", "obligation"),
        "field": ("fält", "field"),
        "reply": ("väntas sedan", "expected next"),
        "consent": ("samtycke", "consent"),
        "until": ("till och med", "until"),
        "signed": ("underskrivet", "signed"),
        "held": ("hålls inne", "held back"),
        "family": ("familjen", "the family"),
        "discloser": ("den som lämnar ut", "the discloser"),
        "responsible": ("ansvarig enhet", "the responsible unit"),
        "sender": ("avsändaren", "the sender"),
        "operator": ("driften", "the operator"),
        "nobody": ("ingen", "nobody"),
        # obligations
        "register_arrival": ("registrera det inkomna", "register what arrived"),
        "hold_protected": ("innehållet hålls inne: barnet är skyddat", "content is held back: the child is protected"),
        "show_objection": ("visa att barnet inte vill", "show that the child objects"),
        "call_if_urgent": ("ring om det är brådskande", "call if it is urgent"),
        # sentences
        "ask.permit": ("Det skulle tillåtas.", "It would be permitted."),
        "ask.deny": ("Det skulle inte tillåtas.", "It would be denied."),
        "ask.ask": ("En människa måste avgöra det.", "A person would have to decide it."),
        "not connected": (
            "Inget svar än. Meddelandet ligger kvar och går iväg när anslutningen är igång: samband connect",
            "No answer yet. It is kept, and goes when the connector runs: samband connect",
        ),
        "nothing": ("inget", "nothing"),
    }
)


def either(swedish: str, english: str) -> str:
    """Return the one in the chosen language."""
    return swedish if options.swedish else english


def both(word: str) -> tuple[str, str]:
    """Return a word in Swedish and English; one that is not known, as it is."""
    return _WORDS.get(word, (word, word))


def say(word: str) -> str:
    """Return a word in the chosen language; one that is not known, as it is."""
    return either(*both(word))


def category_both(tag: str) -> tuple[str, str]:
    """Return what a category tag says, in Swedish and English."""
    from samband.schemas.categories import CATEGORY_TEXTS, Category

    category, _, about = tag.partition(":")
    if category not in list(Category):
        return tag, tag
    sv, en = CATEGORY_TEXTS[Category(category)]
    if about in ("", "child"):
        return sv, en
    whose = {"guardian": ("vårdnadshavares", "a guardian's"), "sibling": ("syskons", "a sibling's")}
    of_sv, of_en = whose.get(about, ("annans", "another person’s"))
    return f"{of_sv} {sv}", f"{of_en} {en}"


def category_words(tag: str) -> str:
    """Return what a category tag says in words."""
    return either(*category_both(tag))
