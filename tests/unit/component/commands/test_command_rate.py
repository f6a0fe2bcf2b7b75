from component.commands.rate import Limiter, Rate, Verdict


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def verdicts(limiter: Limiter, count: int, sender: str = "anna@firma.test") -> list[Verdict]:
    return [limiter.ask(sender) for _ in range(count)]


def test_a_burst_is_answered_then_noticed_once_then_dropped() -> None:
    limiter = Limiter(Rate(burst=2, seconds_each=10), clock=Clock())
    assert verdicts(limiter, 5) == [Verdict.ANSWER, Verdict.ANSWER, Verdict.NOTICE, Verdict.DROP, Verdict.DROP]


def test_a_looping_sender_hears_the_notice_only_once_although_tokens_come_back() -> None:
    clock = Clock()
    limiter = Limiter(Rate(burst=2, seconds_each=10), clock=clock)
    verdicts(limiter, 3)
    heard = []
    for _ in range(20):
        clock.now += 10
        heard += verdicts(limiter, 3)
    assert heard.count(Verdict.ANSWER) == 20
    assert Verdict.NOTICE not in heard


def test_after_a_quiet_time_everything_is_as_before() -> None:
    clock = Clock()
    limiter = Limiter(Rate(burst=2, seconds_each=10), clock=clock)
    verdicts(limiter, 4)
    clock.now += 20
    assert verdicts(limiter, 4) == [Verdict.ANSWER, Verdict.ANSWER, Verdict.NOTICE, Verdict.DROP]


def test_one_sender_does_not_use_up_what_another_has() -> None:
    limiter = Limiter(Rate(burst=1, seconds_each=10), clock=Clock())
    verdicts(limiter, 5)
    assert verdicts(limiter, 1, "bob@firma.test") == [Verdict.ANSWER]


def test_memory_stays_bounded_and_whoever_was_heard_last_is_kept() -> None:
    limiter = Limiter(Rate(burst=1, seconds_each=10, senders=3), clock=Clock())
    for number in range(100):
        limiter.ask(f"user{number}@firma.test")
    assert len(limiter) == 3
    assert limiter.ask("user99@firma.test") is Verdict.NOTICE
