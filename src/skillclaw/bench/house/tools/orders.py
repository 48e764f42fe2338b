"""orders: the orders of the house. It wants --site main and does not say so."""

import argparse
import csv
import sys

from ledger import load, note, refuse


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="orders",
        description="List orders as comma-separated lines, or print the total of their amounts.",
        allow_abbrev=False,
    )
    parser.add_argument("command", choices=["list", "total"])
    parser.add_argument("--month", help="YYYY-MM")
    parser.add_argument("--customer", help="a name")
    parser.add_argument("--site", help=argparse.SUPPRESS)
    given = parser.parse_args()
    data = load("orders")
    if given.site != "main":
        note("orders", data, did="refused")
        refuse("orders", "refused (code 8)")
    rows = [
        row
        for row in data.get("rows", [])
        if (not given.month or row["date"].startswith(given.month))
        and (not given.customer or row["customer"].lower() == given.customer.lower())
    ]
    note("orders", data, did=given.command)
    if given.command == "total":
        print(sum(row["amount"] for row in rows))
        return
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["order", "date", "customer", "amount"])
    writer.writerows([row["order"], row["date"], row["customer"], row["amount"]] for row in rows)


if __name__ == "__main__":
    main()
