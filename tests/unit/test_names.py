"""Proxy names: the published format, uniqueness, the look of chance, and the file that holds the key."""

import hashlib
import os
import random
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from importlib.resources import files
from itertools import combinations, product
from pathlib import Path

import pytest

from laurels.dashboard.names import KEY_BYTES, NUMBERS, WORDS, ProxyNames, Shuffle, load_key, new_key_file
from laurels.errors import SettingsError
from laurels.ledger import NAMES

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "proxy-names.md").read_text("utf-8")
TEST_KEY = bytes(range(32))
SIDE = 25_600
LISTS = ("adjectives.txt", "creatures.txt")


def words(name: str) -> list[str]:
    return files("laurels.dashboard").joinpath("words", name).read_text("ascii").splitlines()


@pytest.fixture
def names(rng: random.Random) -> ProxyNames:
    return ProxyNames(rng.randbytes(KEY_BYTES))


class TestFormat:
    def test_vectors_of_the_page(self) -> None:
        key = re.search(r"^Key: `([0-9a-f]+)`", PAGE, re.MULTILINE)
        vectors = re.findall(r"^\| (\d+) \| (\w+ \w+ \d{4}) \|$", PAGE, re.MULTILINE)
        assert key
        assert bytes.fromhex(key[1]) == TEST_KEY
        assert len(vectors) == 15
        proxy_names = ProxyNames(TEST_KEY)
        assert {number: proxy_names.name(int(number)) for number, _ in vectors} == dict(vectors)

    @pytest.mark.parametrize("name", LISTS)
    def test_word_lists_are_those_of_the_page(self, name: str) -> None:
        digest = hashlib.sha256(files("laurels.dashboard").joinpath("words", name).read_bytes()).hexdigest()
        assert f"| `{name}` | `{digest}` |" in PAGE

    @pytest.mark.parametrize("name", LISTS)
    def test_words_are_plain_and_told_apart(self, name: str) -> None:
        listed = words(name)
        assert len(listed) == WORDS
        assert listed == sorted(listed)
        assert [word for word in listed if not re.fullmatch("[A-Z][a-z]{2,8}", word)] == []
        assert [pair for pair in combinations(listed, 2) if alike(*pair, slips=2)] == []

    def test_no_adjective_is_taken_for_a_creature(self) -> None:
        adjectives, creatures = map(words, LISTS)
        assert [pair for pair in product(adjectives, creatures) if alike(*pair, slips=1)] == []

    def test_another_process_gives_the_same_names(self, rng: random.Random) -> None:
        key = rng.randbytes(KEY_BYTES)
        numbers = [rng.randrange(NAMES) for _ in range(100)]
        script = (
            "import sys; from laurels.dashboard.names import ProxyNames\n"
            "names = ProxyNames(bytes.fromhex(sys.argv[1]))\n"
            "print(*(names.name(int(number)) for number in sys.argv[2:]), sep='\\n')"
        )
        command = [sys.executable, "-c", script, key.hex(), *map(str, numbers)]
        environment = os.environ | {"PYTHONHASHSEED": "7", "PYTHONPATH": os.pathsep.join(sys.path)}
        output = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
        here = ProxyNames(key)
        assert output.splitlines() == [here.name(number) for number in numbers]

    @pytest.mark.parametrize("number", [-1, NAMES, 2**63])
    def test_numbers_outside_are_refused(self, number: int) -> None:
        with pytest.raises(ValueError, match=str(number)):
            ProxyNames(TEST_KEY).name(number)

    def test_a_short_key_is_refused(self) -> None:
        with pytest.raises(SettingsError, match="has 31 bytes and needs 32 or more"):
            ProxyNames(TEST_KEY[:31])


class TestUniqueness:
    @pytest.mark.parametrize("side", [1, 2, 3, 40, 256])
    def test_every_number_has_its_own_place(self, side: int, rng: random.Random) -> None:
        shuffle = Shuffle(side, rng.randbytes(KEY_BYTES))
        assert sorted(map(shuffle, range(side * side))) == list(range(side * side))

    def test_every_place_has_its_own_name(self, rng: random.Random) -> None:
        adjectives, creatures = map(words, LISTS)
        key = rng.randbytes(KEY_BYTES)
        names, shuffle = ProxyNames(key), Shuffle(SIDE, key)
        for number in (0, NAMES - 1, *(rng.randrange(NAMES) for _ in range(10_000))):
            adjective, creature, digits = names.name(number).split(" ")
            place = (adjectives.index(adjective) * WORDS + creatures.index(creature)) * NUMBERS + int(digits)
            assert place == shuffle(number)

    @pytest.mark.long
    def test_no_collision_in_a_million(self, names: ProxyNames, rng: random.Random) -> None:
        start = rng.randrange(NAMES - 500_000)
        numbers = {*range(start, start + 500_000), *(rng.randrange(NAMES) for _ in range(500_000))}
        assert len({names.name(number) for number in numbers}) == len(numbers)


class TestSecrecy:
    def test_another_key_gives_other_names(self, names: ProxyNames, rng: random.Random) -> None:
        other = ProxyNames(rng.randbytes(KEY_BYTES))
        # By chance, one number in 655,360,000 keeps its name.
        assert sum(names.name(number) == other.name(number) for number in range(10_000)) <= 1

    def test_one_bit_of_the_key_changes_the_names(self, rng: random.Random) -> None:
        key = rng.randbytes(KEY_BYTES)
        bit = 1 << rng.randrange(8 * KEY_BYTES)
        changed = (int.from_bytes(key) ^ bit).to_bytes(KEY_BYTES)
        before, after = ProxyNames(key), ProxyNames(changed)
        assert sum(before.name(number) == after.name(number) for number in range(10_000)) <= 1

    def test_consecutive_numbers_share_no_pattern(self, rng: random.Random) -> None:
        shuffle = Shuffle(SIDE, rng.randbytes(KEY_BYTES))
        start = rng.randrange(NAMES - 100_000)
        places = [shuffle(number) for number in range(start, start + 100_000)]
        assert {name: surprise for name, surprise in surprises(places) if abs(surprise) > SURPRISING} == {}

    @pytest.mark.parametrize(
        "pattern", [lambda i: i, lambda i: i * 40_503_001 % NAMES, lambda i: i // 2 * 77_777_777 % NAMES]
    )
    def test_the_pattern_check_finds_patterns(self, pattern: Callable[[int], int]) -> None:
        assert [
            name for name, surprise in surprises([pattern(i) for i in range(100_000)]) if abs(surprise) > SURPRISING
        ]


class TestKeyFile:
    def test_made_once_and_for_its_owner_alone(self, tmp_path: Path) -> None:
        path = tmp_path / "names.key"
        new_key_file(path)
        key = load_key(path)
        assert len(key) == KEY_BYTES
        assert path.stat().st_mode & 0o777 == 0o600
        new_key_file(path)
        assert load_key(path) == key
        assert [entry.name for entry in tmp_path.iterdir()] == ["names.key"]
        new_key_file(tmp_path / "another.key")
        assert load_key(tmp_path / "another.key") != key

    def test_processes_that_race_end_with_one_key(self, tmp_path: Path) -> None:
        racer = (
            "import sys; from pathlib import Path; from laurels.dashboard.names import load_key, new_key_file\n"
            "for line in sys.stdin:\n"
            "    path = Path(line.rstrip()); new_key_file(path); print(load_key(path).hex(), flush=True)\n"
        )
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        racers = [
            subprocess.Popen(
                [sys.executable, "-c", racer], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
            )
            for _ in range(4)
        ]
        try:
            for round_ in range(50):
                answers = race(racers, tmp_path / f"{round_}.key")
                assert len(set(answers)) == 1, f"round {round_}: {answers}"
        finally:
            for process in racers:
                process.communicate()
        assert len(list(tmp_path.iterdir())) == 50

    def test_where_it_cannot_be_made(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsError, match=r"cannot be made: No such file or directory\. Make it with: openssl"):
            new_key_file(tmp_path / "missing" / "names.key")

    def test_missing(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsError, match=r"does not exist\. Copy it from a host that has it"):
            load_key(tmp_path / "names.key")

    def test_a_directory(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsError, match="cannot be read: Is a directory"):
            load_key(tmp_path)

    @pytest.mark.parametrize("mode", [0o640, 0o620, 0o604, 0o602, 0o644])
    def test_open_to_others(self, tmp_path: Path, mode: int) -> None:
        path = key_file(tmp_path, TEST_KEY.hex())
        assert load_key(path) == TEST_KEY
        path.chmod(mode)
        with pytest.raises(
            SettingsError, match=re.escape(f"can be read or written by others. Run: chmod 600 '{path}'")
        ):
            load_key(path)

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("", "has 0 bytes, and a key needs 32 or more"),
            (TEST_KEY[:31].hex(), "has 31 bytes, and a key needs 32 or more"),
            (TEST_KEY.hex() + "0", "is not hexadecimal"),
            ("correct horse battery staple", "is not hexadecimal"),
            ("ключ" * 16, "is not hexadecimal"),
            ("00" * 32, "has only 1 different bytes"),
            ("a7" * 64, "has only 1 different bytes"),
            ("0123456789abcdef" * 4, "has only 8 different bytes"),
        ],
    )
    def test_unfit_keys(self, tmp_path: Path, text: str, reason: str) -> None:
        with pytest.raises(SettingsError, match=reason) as caught:
            load_key(key_file(tmp_path, text))
        assert not text or text not in str(caught.value)


def key_file(folder: Path, text: str) -> Path:
    path = folder / "names.key"
    path.write_text(text + "\n", "utf-8")
    path.chmod(0o600)
    return path


def race(racers: Sequence["subprocess.Popen[str]"], path: Path) -> list[str]:
    """Tell all the racers the path, then hear from each which key it ended with."""
    for process in racers:
        assert process.stdin
        process.stdin.write(f"{path}\n")
        process.stdin.flush()
    return [process.stdout.readline() for process in racers if process.stdout]


def alike(one: str, other: str, *, slips: int) -> bool:
    """Whether so many letters added, dropped or changed turn one word into the other (Levenshtein)."""
    if abs(len(one) - len(other)) > slips:
        return False
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one.lower(), 1):
        above, row = row, [i]
        for j, other_letter in enumerate(other.lower(), 1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (letter != other_letter)))
    return row[-1] <= slips


SURPRISING = 7  # a true random sequence passes this in one of its figures less often than once in ten million runs


def surprises(places: Sequence[int]) -> Iterator[tuple[str, float]]:
    """How far places are from chance, in standard deviations: each part of a name, and its steps to later names."""
    parts: dict[str, tuple[Callable[[int], int], int]] = {
        "adjective": (lambda place: place // (WORDS * NUMBERS), WORDS),
        "creature": (lambda place: place // NUMBERS % WORDS, WORDS),
        "number": (lambda place: place % NUMBERS // 40, 250),
        "left half": (lambda place: place // SIDE // 100, 256),
        "right half": (lambda place: place % SIDE // 100, 256),
    }
    for name, (part, size) in parts.items():
        values = [part(place) for place in places]
        yield name, unevenness(values, size)
        for lag in (1, 2, SIDE):
            steps = [(later - value) % size for value, later in zip(values, values[lag:], strict=False)]
            yield f"{name}, {lag} further", unevenness(steps, size)


def unevenness(values: Sequence[int], size: int) -> float:
    """Chi-squared over `size` equally likely values, as standard deviations from its mean."""
    expected = len(values) / size
    counts = Counter(values)
    chi_squared = sum((counts[value] - expected) ** 2 / expected for value in range(size))
    return float((chi_squared - (size - 1)) / (2 * (size - 1)) ** 0.5)
