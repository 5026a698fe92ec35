"""People who act in tests."""

from __future__ import annotations

from eval_pipeline.core.people import Person, Role

ADA = Person("ada", Role.ADMIN)
BOB = Person("bob", Role.PROMOTER)
LINUS = Person("linus", Role.ADMIN)
