"""The two templates of the benchmark's message, rendered by python-liquid and nothing decided."""

import sys
import time

from liquid import Environment

TEXT = (
    "Dear {{ first_name }},\nyour last visit was on {{ last_order_at }}, and you have spent "
    "{{ revenue }}.\n{{ unsubscribe_url }}\n"
)
HTML = (
    "<p>Dear <b>{{ first_name }}</b>,</p><p>your last visit was on {{ last_order_at }}, and\n"
    'you have spent {{ revenue }}.</p><a href="{{ unsubscribe_url }}">No more mail</a>\n'
)
before = time.perf_counter()
templates = [Environment(autoescape=on).from_string(t) for on, t in ((False, TEXT), (True, HTML))]
size = 0
for n in range(int(sys.argv[1])):
    fields = {
        "first_name": f"Name {n}",
        "last_order_at": "February 2, 2024",
        "revenue": f"€{n % 90}.50",
        "unsubscribe_url": f"https://shop.example/u/{n:0120d}",
    }
    size += sum(len(template.render(fields)) for template in templates)
assert size
print(time.perf_counter() - before)
