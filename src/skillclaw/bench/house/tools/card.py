"""card: draw a title card as SVG. Cards of the house are 640x360; the program draws smaller ones untold."""

import argparse
import html
import re
import sys
from pathlib import Path


def main() -> int:
    parser = argparse.ArgumentParser(prog="card", description="Draw a title card as SVG.", allow_abbrev=False)
    parser.add_argument("--title", required=True)
    parser.add_argument("--out", required=True, metavar="FILE")
    parser.add_argument("--colour", default="#222222", metavar="HEX", help="colour of the ground")
    parser.add_argument("--size", default="320x240", metavar="WxH", help="in pixels")
    given = parser.parse_args()
    size = re.fullmatch(r"(\d{1,4})x(\d{1,4})", given.size)
    if size is None or not re.fullmatch(r"#[0-9a-fA-F]{6}", given.colour):
        print("card: size or colour cannot be read", file=sys.stderr)
        return 2
    width, height = size.groups()
    text = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">\n'
        f'  <rect width="100%" height="100%" fill="{given.colour}"/>\n'
        f'  <text x="20" y="60" fill="white">{html.escape(given.title)}</text>\n'
        "</svg>\n"
    )
    try:
        Path(given.out).write_text(text, "utf-8")
    except OSError as error:
        print(f"card: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
