"""Who moved which alias, when and why; whether the log is whole."""

from eval_pipeline import ui

store = ui.open_live_page("audit")
records = ui.audit.read(store)
ui.log_health.banners(store, records)
chosen = ui.audit.filters(records)
ui.audit.table(chosen)
ui.audit.details(store, records)
ui.audit.downloads(chosen)
