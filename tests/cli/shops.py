"""A small table of orders, and how tests call the command line."""

from __future__ import annotations

from collections.abc import Callable

from click.testing import Result

Run = Callable[..., Result]
ORDERS = """\
order_id,customer_id,date,sku,qty,price,category,channel
1,a,2018-01-05 10:00:00,pen,2,1.50,office,web
1,a,2018-01-05 10:00:00,ink,1,7.25,office,web
2,b,2018-01-06 11:30:00,pen,1,1.50,office,shop
3,a,2018-02-01 09:00:00,cup,4,3.00,home,web
4,,2018-02-02 09:00:00,cup,1,3.00,home,shop
5,c,2018-03-01 12:00:00,pen,10,1.40,office,web
6,b,2018-03-02 12:00:00,ink,2,7.25,office,web
7,c,2018-03-03 12:00:00,cup,3,3.00,home,web
8,d,2018-03-04 12:00:00,pen,1,1.50,office,shop
9,d,2018-03-05 12:00:00,ink,1,7.25,office,shop
9,d,2018-03-05 12:00:00,pen,2,1.50,office,shop
"""
NOW = "2018-03-10T00:00:00Z"
