"""Whether the running server keeps the promises."""

from .. import problem_kinds as kinds
from ..answers import Answer
from ..problems import Problem
from ..schemas.doctor import DoctorQuery, DoctorView
from ..services import Call


async def get_doctor(call: Call, *, query: DoctorQuery) -> Answer:
    """Look whether the server keeps the promises.

    One line a promise: green, yellow, red, or not checked. Tries it with a synthetic user who is added, let in,
    deactivated and erased; that takes a few seconds. A result that is not older than 60 seconds is returned again, and
    whoever asks meanwhile waits for the same run.
    """
    doctor = call.services.doctor
    if doctor is None:
        raise Problem(kind=kinds.NO_DOCTOR)
    return Answer(body=DoctorView.of(await doctor.latest(call.company), language=query.lang))
