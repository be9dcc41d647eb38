"""The browser of these tests is in no test's way, whatever became of it in the one before."""

import os
import signal

import pytest
from tests.browser.chromium import Chromium


def test_one_that_does_not_close_is_ended_and_the_next_test_gets_another(browser: Chromium) -> None:
    context = browser.new_context()
    context.new_page()
    stopped = browser.leader
    os.kill(stopped, signal.SIGSTOP)
    with pytest.warns(UserWarning, match=r"Chromium did not close within 0\.5 s"):
        browser.close(context, within_s=0.5)
    another = browser.new_context()
    page = another.new_page()
    page.set_content("<p>here</p>")
    assert page.inner_text("p") == "here"
    assert browser.leader != stopped
    browser.close(another)
