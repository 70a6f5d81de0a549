"""Settings of the manual. ``make docs`` builds it with Sphinx from the pages of this folder and from the docstrings."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "extension"))

from mull import __version__

project = "mull"
author = "the authors of mull"
release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "modules", "links", "tables"]
exclude_patterns = ["extension"]

html_theme = "furo"
html_title = f"mull {release}"
html_copy_source = False

myst_enable_extensions = ["attrs_block", "colon_fence", "deflist"]
linkcheck_anchors = False  # sites that build their pages in the browser have none
myst_heading_anchors = 4  # levels of headings that links may name: page.md#heading

autodoc_default_options = {
    "members": True,
    "undoc-members": True,
    "ignore-module-all": True,  # a name is described once, in the module that defines it
    "exclude-members": "model_config, model_post_init",
}
autodoc_member_order = "bysource"
autodoc_use_type_comments = False
napoleon_use_ivar = True
toc_object_entries = False  # the navigation of 3,000 names on every page would take as long as all the rest
