"""QR codes as SVG, drawn here: no picture is asked of anybody else."""

import io

import segno


def svg(text: str) -> str:
    """Return a QR code as an SVG document, with the quiet border that scanners need."""
    written = io.BytesIO()
    segno.make_qr(text, error="m").save(written, kind="svg", scale=6, border=4, light="#fff", xmldecl=False, nl=False)
    return written.getvalue().decode()


def address(text: str) -> str:
    """Return a QR code as what an image on a page may point to."""
    return segno.make_qr(text, error="m").svg_data_uri(scale=6, border=4, light="#fff")
