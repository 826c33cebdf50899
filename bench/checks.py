"""checks.py: what a program that measures promises: a line each, and how many held."""


class Report:
    def __init__(self):
        self.passed = self.failed = 0

    def check(self, holds, text):
        self.passed += bool(holds)
        self.failed += not holds
        print(f"  {'passed' if holds else 'FAILED'}  {text}", flush=True)
