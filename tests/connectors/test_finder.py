"""Knowing whom to turn to: the unit that a person means is found, at the hub and offline at a party."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from samband.schemas.hours import is_open
from samband.schemas.municipalities import area_of, code_of, municipalities, regions
from samband.streams.authority import Home
from samband.streams.root import Root
from samband.streams.snapshot import opened
from tests.terminal import Terminal

NOW = datetime(2026, 12, 1, tzinfo=UTC)
IFO, DUTY, SCHOOL, EMI = "SE2120002916-IFO", "SE2120002916-JOUR", "SE2120002916-SKOLA", "SE2120002916-EMI"
BUP, PRIMARY, OTHER, HVB = "SE2321000172-BUP", "SE2321000172-VC", "SE2120002080-IFO", "SE5560000000-HVB"


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    """Give a hub with made-up authorities in Köping and Västerås, a region and a private home."""
    terminal = Terminal(tmp_path_factory.mktemp("samband") / "home")
    Home(terminal.home).found("vastmanland", now=datetime.now(UTC))
    for arguments in (
        ("party", "add", "koping-social", "--name", "Socialnämnden", "--organisation", "2120002916",
         "--municipality", "Köping", "--unit", f"{IFO}:social.ifo:Barn och familj"),
        ("party", "add", "koping-skola", "--name", "Utbildningsnämnden", "--municipality", "1983",
         "--unit", f"{SCHOOL}:school.pedagogic:Exempelskolan", "--unit", f"{EMI}:school.medical:EMI"),
        ("party", "add", "vasteras-social", "--name", "Individnämnden", "--municipality", "Västerås stad",
         "--unit", f"{OTHER}:social.ifo:Barn och unga"),
        ("party", "add", "region", "--name", "Regionen", "--unit", f"{BUP}:care.bup:BUP länet",
         "--unit", f"{PRIMARY}:care.primary:Vårdcentralen"),
        ("party", "add", "hemmet", "--private", "--unit", f"{HVB}:institution.hvb:Hemmet"),
        ("unit", "add", "koping-social", f"{DUTY}:social.duty:Socialjouren", "--municipality", "1983",
         "--hours", "dygnet runt", "--telephone", "0221-00 00 00"),
        ("unit", "change", IFO, "--covering", DUTY, "--hours", "mån–fre 8–16",
         "--does", "Utreder och ger stöd; tar inte emot akuta ärenden på natten."),
        ("unit", "change", PRIMARY, "--municipality", "Köping", "--serves", "Köping", "--serves", "Kungsör"),
        ("unit", "change", HVB, "--serves", "Region Västmanland"),
    ):  # fmt: skip
        said = terminal.say_here(*arguments)
        assert said.code == 0, (arguments, said.err)
    return terminal


def search(terminal: Terminal, *arguments: str) -> list[str]:
    said = terminal.say_here("unit", "search", *arguments, "--json")
    assert said.code == 0, said.err
    return [each["id"] for each in said.json]


def test_words(terminal: Terminal) -> None:
    """A few words, Swedish or English, find the unit that is meant; the nearest to a municipality comes first."""
    assert search(terminal, "BUP", "for", "Köping") == [BUP]
    assert search(terminal, "barnpsykiatri") == []
    assert search(terminal, "ungdomspsykiatrin i köping") == [BUP]
    assert search(terminal, "psychiatry") == [BUP]
    assert search(terminal, "socialtjänst Köping") == [IFO, DUTY]
    assert search(terminal, "vårdcentral", "Kungsör") == [PRIMARY]
    assert search(terminal, "vårdcentral", "Sala") == []
    assert search(terminal, "utredning") == []
    assert search(terminal, "utreder") == [IFO]
    assert search(terminal, "Individnämnden") == [OTHER]
    assert search(terminal, "boende HVB Norberg") == [HVB]
    assert search(terminal, "Region Västmanland")[0] == HVB


def test_filters(terminal: Terminal) -> None:
    """Kind, municipality and message type narrow; a region's units serve each of its municipalities."""
    assert search(terminal, "--kind", "social", "--municipality", "1983") == [IFO, DUTY]
    assert search(terminal, "--kind", "social", "--municipality", "Västerås") == [OTHER]
    assert search(terminal, "--kind", "care", "--municipality", "Köpings kommun") == [PRIMARY, BUP]
    assert search(terminal, "--kind", "care", "--municipality", "1980") == [BUP]
    assert set(search(terminal, "--receives", "concern.report")) == {IFO, DUTY, OTHER}
    assert search(terminal, "--party", "region", "--kind", "care.bup") == [BUP]
    for arguments, code in (
        (("--kind", "care.nothing"), "UNIT_FORM"),
        (("--municipality", "Ankeborg"), "MUNICIPALITY_UNKNOWN"),
        (("--receives", "no.type"), "TYPE_UNKNOWN"),
    ):
        said = terminal.say_here("unit", "search", *arguments)
        assert (said.code, said.error) == (2, code)


def test_shown(terminal: Terminal) -> None:
    """A unit is shown with hours, who covers and how to reach them, and what it does not do; in either language."""
    shown = terminal.say_here("unit", "show", IFO)
    for text in ("mån–fre 8–16", f"Socialjouren, {DUTY}, 0221-00 00 00", "tar inte emot akuta", "serves      Köping"):
        assert text in shown.out
    swedish = terminal.say_here("--lang", "sv", "unit", "search", "socialjour")
    assert "socialjour" in swedish.out
    assert "öppet" in swedish.out
    party = terminal.say_here("party", "show", "koping-social")
    assert "Socialnämnden (koping-social, 2120002916) – TEST" in party.out
    assert IFO in party.out
    found = terminal.say_here("party", "search", "socialtjänst", "Köping", "--json").json
    assert [each["party"] for each in found] == ["koping-social"]
    assert terminal.say_here("party", "show", "hub").error == "PARTY_UNKNOWN"
    assert terminal.say_here("unit", "show", "SE-NOBODY").error == "UNIT_UNKNOWN"


def test_offline_at_a_party(terminal: Terminal) -> None:
    """A party searches the directory that it keeps, without hub or network; before it has one, it is told so."""
    folder = terminal.home / "parties" / "koping-skola"
    who = ("--as", str(folder))
    assert terminal.say_here("unit", "search", "BUP", *who).error == "DIRECTORY_EMPTY"
    directory = opened(Root.read(folder / "root.json"), folder / "directory.snapshot")
    now = time.time_ns() // 1_000_000
    for value in Home(terminal.home).published(now).values():
        directory.learn(value, now)
    assert search(terminal, "BUP", "Köping", *who) == [BUP]
    closed = terminal.say_here("unit", "change", IFO, "--hours", "stängt")
    assert closed.code == 0
    asked = terminal.say_here(
        "ask", "concern.report", *who, "--to", IFO, "--from", SCHOOL, "--child", "none", "--wait", "0"
    )
    old = "(mån–fre 8–16): closed now"  # what the kept directory says, which is older; at night that is closed too
    assert "closed now" not in asked.err or old in asked.err
    for value in Home(terminal.home).published(now + 1).values():
        directory.learn(value, now + 1)
    asked = terminal.say_here(
        "ask", "concern.report", *who, "--to", IFO, "--from", SCHOOL, "--child", "none", "--wait", "0"
    )
    assert f"closed now; Socialjouren, {DUTY}, 0221-00 00 00 covers for it" in asked.err
    assert old not in asked.err
    assert terminal.say_here("unit", "change", IFO, "--hours", "mån–fre 8–16").code == 0


def test_retired(terminal: Terminal) -> None:
    """A closed unit is not found any more unless asked for, and stays on its card."""
    assert terminal.say_here("unit", "retire", EMI, "--yes").code == 0
    assert search(terminal, "EMI") == []
    assert search(terminal, "EMI", "--retired") == [EMI]
    retired = terminal.say_here("party", "retire", "hemmet", "--json")
    assert retired.json["units"][0]["retired"]
    assert search(terminal, "HVB") == []
    assert terminal.say_here("unit", "retire", DUTY, "--yes").error == "COVERING_IN_USE"


def test_codes() -> None:
    """There are 290 municipalities in 21 regions, each found by code and by name."""
    assert (len(municipalities()), len(regions())) == (290, 21)
    assert {code[:2] for code in municipalities()} == set(regions())
    for code, name in municipalities().items():
        assert code_of(code) == code_of(name) == code_of(f"{name} kommun") == code_of(name.upper()) == code
    assert code_of("Lilla Edets kommun") == "1462"
    assert area_of("Gotland") == "0980"
    assert [area_of(name) for name in regions().values()] == list(regions())


@pytest.mark.parametrize(
    ("hours", "day", "hour", "there"),
    [
        ("mån–fre 8–16", 7, 9, True),
        ("mån–fre 8–16", 7, 16, False),
        ("mån–fre 8–16", 12, 9, False),
        ("Mån - tors 08:00-16.30, fre 8-15", 10, 16, True),
        ("mån-tors 8-16.30, fre 8-15", 11, 15, False),
        ("lör–mån 8–24", 13, 23, True),
        ("mon-fri 8-16", 8, 8, True),
        ("8-16", 13, 9, True),
        ("dygnet runt", 13, 3, True),
        ("stängt", 7, 9, False),
        ("", 7, 9, None),
        ("efter överenskommelse", 7, 9, None),
        ("mån-fre 8-16, jour övrig tid", 7, 9, None),
        ("mån-fre 16-8", 7, 9, None),
        ("xyz 8-16", 7, 9, None),
    ],
)
def test_hours(hours: str, day: int, hour: int, there: bool | None) -> None:
    """Hours are read where they are written plainly, and nothing is guessed where they are not."""
    assert is_open(hours, datetime(2026, 12, day, hour, 15)) is there  # noqa: DTZ001  7 December 2026 is a Monday
