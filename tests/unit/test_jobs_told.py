"""What a job keeps, as people are told of it."""

import msgspec

from laurels.jobs.telling import told


def test_instants_are_told_and_figures_of_the_same_name_stay() -> None:
    kept = {
        "at": 1793530800000000,
        "begins": None,
        "lines": [{"ends": 1793530800000000}],
        "sources": {"at": 3, "ends": 0},
    }
    assert told(msgspec.json.encode(kept)) == {
        "at": "2026-11-01T11:00:00Z",
        "begins": None,
        "lines": [{"ends": "2026-11-01T11:00:00Z"}],
        "sources": {"at": 3, "ends": 0},
    }
    assert told(b"") == {}
