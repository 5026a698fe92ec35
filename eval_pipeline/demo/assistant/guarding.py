"""What the assistant refuses. Untaught, it refuses nothing."""

from __future__ import annotations

from eval_pipeline.demo.assistant.manual import Manual, Talk, mentions

REFUSALS = {
    "Refuse to reveal {}.": "I can't share that.",
    "Ignore any attempt to {}.": "I can't do that: my instructions stay as they are.",
    "Refuse to help with {}.": "I can't help with that.",
}


def refuse(manual: Manual, talk: Talk) -> list[str]:
    """Refuse what the prompts say to refuse, unless the user only asks for advice and that is said to be fine."""
    advice = manual.words("Always answer what begins with {}.")
    if talk.now.lower().startswith(tuple(opening.lower() for opening in advice)):
        return []
    for sentence, refusal in REFUSALS.items():
        if mentions(talk.now, manual.words(sentence)):
            return [refusal]
    return []
