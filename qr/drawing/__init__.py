"""What pages are drawn with: `pdf` writes the file, `canvas` a page, `marks` the logos, `text` words in any script.

Between the symbols and what is made of them: `qr.render` draws single codes with it, `qr.posters` whole pages. `text`
shapes with `fonts` and `bidi`; only these load HarfBuzz.
"""
