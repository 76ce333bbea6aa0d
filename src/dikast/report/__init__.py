"""What an evaluation found, for people: one page that opens offline, report.json and a printed table."""
