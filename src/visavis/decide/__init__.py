"""Who gets what, and why not: eligibility, ranking, arms, consent and caps."""
