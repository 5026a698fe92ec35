"""Letting a prompt version go live, on evidence."""

from eval_pipeline import ui

store = ui.open_live_page("promote")
waiting = ui.requests.cards(store)
choice = ui.promote.choose(store)
proposal = ui.promote.propose(store, choice)
ui.promote.what_became_of_it(proposal)
ui.promote.decision(proposal)
ui.promote.warnings(proposal)
ui.promote.versions(store, proposal)
ui.promote.act(store, proposal, waiting)
ui.promote.gate(store, proposal)
ui.promote.text(store, proposal)
