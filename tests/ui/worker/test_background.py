"""Work in threads, whose outcome comes on the event loop, or not at all."""

import threading
from collections.abc import Iterator

from textual.app import App, ComposeResult
from textual.widgets import Static

from layertui.model.errors import LayertuiError
from layertui.model.job import Job
from layertui.ui.worker.background import background, background_each
from tests.ui.places import until


class Owner(Static):
    """Notes what it is called with, and in which thread."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[object] = []
        self.threads: set[threading.Thread] = set()

    def tell(self, *what: object) -> None:
        self.told += what
        self.threads.add(threading.current_thread())


class Screen(App[None]):
    def compose(self) -> ComposeResult:
        yield Owner()


def thread(name: str) -> threading.Thread | None:
    return next((each for each in threading.enumerate() if each.name == name), None)


async def test_the_result_comes_on_the_event_loop() -> None:
    async with Screen().run_test() as pilot:
        owner = pilot.app.query_one(Owner)
        background(owner, lambda _job: threading.current_thread().name, owner.tell, name="count")
        await until(pilot, lambda: bool(owner.told))
        assert owner.told == ["count"]
        assert owner.threads == {threading.current_thread()}


async def test_items_come_in_order_then_the_end() -> None:
    async with Screen().run_test() as pilot:
        owner = pilot.app.query_one(Owner)
        background_each(owner, lambda _job: range(3), owner.tell, lambda: owner.tell("end"), name="items")
        await until(pilot, lambda: "end" in owner.told)
        assert owner.told == [0, 1, 2, "end"]


async def test_an_error_comes_after_the_items_before_it() -> None:
    def fail(_job: Job) -> Iterator[int]:
        yield 1
        raise LayertuiError("no more")

    async with Screen().run_test() as pilot:
        owner = pilot.app.query_one(Owner)
        background_each(owner, fail, owner.tell, lambda: owner.tell("end"), owner.tell, name="fails")
        await until(pilot, lambda: len(owner.told) > 1)
        assert [str(each) for each in owner.told] == ["1", "no more"]


async def test_progress_comes_seldom() -> None:
    def report(job: Job) -> str:
        for done in range(1000):
            job.report(done, 1000)
        return "end"

    async with Screen().run_test() as pilot:
        owner = pilot.app.query_one(Owner)
        background(owner, report, owner.tell, name="slow", progress=owner.tell)
        await until(pilot, lambda: "end" in owner.told)
        assert owner.told[:2] == [0, 1000]
        assert len(owner.told) < 200


async def test_nothing_comes_of_what_was_cancelled() -> None:
    asked = threading.Event()

    def wait(job: Job) -> str:
        asked.wait()
        job.check()
        return "too late"

    async with Screen().run_test() as pilot:
        owner = pilot.app.query_one(Owner)
        whole = Job()
        jobs = [
            background(owner, wait, owner.tell, name="cancelled"),
            background(owner, lambda _job: asked.wait(), owner.tell, name="done all the same"),
            background_each(owner, lambda _job: iter(asked.wait, None), owner.tell, name="endless"),
        ]
        background(owner, wait, owner.tell, name="part", part_of=whole)
        for job in (*jobs, whole):
            job.cancel()
        asked.set()
        await until(
            pilot,
            lambda: not any(map(thread, ("cancelled", "done all the same", "endless", "part"))),
        )
        await pilot.pause()
        assert owner.told == []


async def test_a_result_that_waits_is_dropped_by_cancelling() -> None:
    async with Screen().run_test() as pilot:
        owner = pilot.app.query_one(Owner)
        job = background(owner, lambda _job: "stale", owner.tell, name="stale")
        while thread("stale"):  # without giving the event loop its turn
            pass
        job.cancel()
        await pilot.pause()
        assert owner.told == []


async def test_nothing_comes_to_an_owner_that_is_closed() -> None:
    goes_on = threading.Event()
    async with Screen().run_test() as pilot:
        owner = pilot.app.query_one(Owner)
        background(owner, lambda _job: goes_on.wait(), owner.tell, owner.tell, name="orphan")
        await owner.remove()
        goes_on.set()
        await until(pilot, lambda: thread("orphan") is None)
        assert owner.told == []
