"""Long measurements of the running portal, started by hand: python -m tests.stress.<name>"""
