"""What people do: read from the store, decide by the rules, write to the store. Every face calls these."""
