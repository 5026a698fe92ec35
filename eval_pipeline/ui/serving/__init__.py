"""The app as a server: warm before it opens its port, guarded headers, a health page for machines, a clean end."""
