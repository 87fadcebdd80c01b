"""`python -m visavis` is the command `visavis`."""

from visavis.cli.main import main

main()
