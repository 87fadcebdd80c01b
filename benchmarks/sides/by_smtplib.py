"""The same mail composed by the standard library and handed over on one connection."""

import smtplib
import sys
import time
from email.message import EmailMessage

port, count = int(sys.argv[1]), int(sys.argv[2])
TEXT = "Dear {0},\nyour last visit was on February 2, 2024, and you have spent €{1}.50.\n{2}\n"
HTML = (
    "<p>Dear <b>{0}</b>,</p><p>your last visit was on February 2, 2024, and\n"
    'you have spent €{1}.50.</p><a href="{2}">No more mail</a>\n'
)
before = time.perf_counter()
with smtplib.SMTP("127.0.0.1", port) as client:
    for n in range(count):
        link = f"https://shop.example/u/{n:0120d}"
        mail = EmailMessage()
        mail["From"] = "Shop <shop@shop.example>"
        mail["To"] = f"c{n}@example.invalid"
        mail["Subject"] = f"Hello Name {n}"
        mail["Date"] = "Fri, 01 Mar 2024 10:00:00 +0000"
        mail["Message-ID"] = f"<peer-{n}@shop.example>"
        mail["List-Unsubscribe"] = f"<{link}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        mail.set_content(TEXT.format(f"Name {n}", n % 90, link))
        mail.add_alternative(HTML.format(f"Name {n}", n % 90, link), subtype="html")
        client.send_message(mail)
print(time.perf_counter() - before)
