# SPDX-License-Identifier: GPL-2.0
#
# The manual, for sphinx-build. tools/docs.sh says in srctree, as the kernel's own build
# has it, where the kernel's source is, whose extension reads the kernel-doc.
import os
import sys

kernel = os.environ["srctree"]
sys.path.insert(0, os.path.join(kernel, "Documentation/sphinx"))

project = "mvsock"
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../VERSION")) as file:
    release = file.read().strip()
copyright = "the authors of mvsock, GPL-2.0"
root_doc = "index"
extensions = ["kerneldoc"]
kerneldoc_bin = os.path.join(kernel, "scripts/kernel-doc")
kerneldoc_srctree = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

primary_domain = "c"
highlight_language = "none"
smartquotes = False

# What is the kernel's is described there.
c_id_attributes = ["__user"]

nitpick_ignore_regex = [("c:.*", "(?!mvs_|MVS_).*")]

html_theme = "alabaster"
html_theme_options = {
    "page_width": "70em",
    "sidebar_width": "15em",
    "body_max_width": "none",
}
html_sidebars = {"**": ["about.html", "navigation.html", "searchbox.html"]}
html_copy_source = False
html_show_sphinx = False
