"""The names of the numbers that describe a page: of its blocks and elements, and of what the forests read of each.

A page is arrays (`curate.extract.blocks.Blocks`); what stands in which column is said here, once, for the kernels and
for all who read their results. The features are tuples of names: ``OWN.link_share`` is a column, and the names of
all columns are those of the forests in a model of main text.

>>> FEATURES[OWN.link_share], FEATURES[PAGE_AT + PAGE.link_share], len(FEATURES)
('link_share', 'page_link_share', 134)
"""

from __future__ import annotations

from typing import NamedTuple

# Columns of a block: where its text is, the element it stands in, counts, its first and last byte, and where it begins
# in the page.
START, STOP, ELEMENT, CHARS, WORDS, LINK_CHARS, LINK_WORDS, LINKS, PUNCTUATION, DIGITS, CAPITALS, COMMAS = range(12)
BREAKS, EMPHASIZED, CODES, IMAGES, IDEOGRAPHS, FIRST, LAST, SOURCE = range(12, 20)
BLOCK_COLUMNS = 20

# Columns of an element; TAG_SOURCE is where its start tag begins in the page. The last row of the array is no element:
# only its FIRST_TOKEN, where the tokens end, counts.
PARENT, TAG, FLAGS, FIRST_TOKEN, DEPTH, TAG_SOURCE = range(6)
ELEMENT_COLUMNS = 6

#: Where a text stands, as bits of an element's FLAGS.
FLAG_NAMES = (
    "nav", "header", "footer", "aside", "main", "article", "form", "table", "cell", "list", "figure", "heading",
    "quote", "pre", "button", "hidden", "dropped", "definition", "details", "aria_hidden", "paragraph",
)  # fmt: skip
(
    NAV, HEADER, FOOTER, ASIDE, MAIN, ARTICLE, FORM, TABLE, CELL, LIST, FIGURE, HEADING,
    QUOTE, PRE, BUTTON, HIDDEN, DROPPED, DEFINITION, DETAILS, ARIA_HIDDEN, PARAGRAPH,
) = (1 << bit for bit in range(len(FLAG_NAMES)))  # fmt: skip
# More bits, which no forest reads: white space in it counts, as in code; only line breaks and indentation do; it began
# in running text.
SPACED, WRAPPED, INLINE = (1 << bit for bit in range(len(FLAG_NAMES), len(FLAG_NAMES) + 3))

# Columns of what holds an element; and which of them a tag is, as bits: a WHOLE (a table, code) ends the lists outside.
ROW_OF, CELL_OF, ITEM_OF, LIST_OF = range(4)
IS_ROW, IS_CELL, IS_ITEM, IS_LIST, IS_WHOLE = (1 << bit for bit in range(5))


class _Own(NamedTuple):
    log_characters: int
    log_words: int
    link_share: int
    links: int
    marks_per_word: int
    punctuation: int
    commas: int
    digit_share: int
    capitals_per_word: int
    breaks: int
    emphasized_share: int
    code_share: int
    images: int
    characters_per_word: int
    first_character: int
    last_character: int
    tag_group: int
    depth: int
    place: int
    words_before: int
    log_blocks_before: int
    log_blocks_after: int
    log_gap: int


class _Neighbour(NamedTuple):
    log_words: int
    link_share: int
    marks: int
    tag_group: int
    is_sibling: int
    class_weights: int


class _Container(NamedTuple):
    log_characters: int
    link_share: int
    log_blocks: int
    marks_per_word: int
    page_share: int
    prose_share: int


class _Page(NamedTuple):
    log_characters: int
    log_blocks: int
    link_share: int
    prose_share: int
    heading_share: int
    item_share: int
    log_articles: int
    mains: int
    characters_per_block: int
    marks_per_word: int


class _Classes(NamedTuple):
    own: int
    total: int
    least: int
    greatest: int


class _Siblings(NamedTuple):
    nearest: int
    nearest_characters: int
    nearest_page_share: int
    nearest_level: int
    largest: int
    largest_characters: int
    largest_page_share: int
    largest_link_share: int


class _Place(NamedTuple):
    copies: int
    since_h1: int
    prose_before: int
    since_prose: int
    until_prose: int
    since_heading: int
    heading_tag: int
    title_overlap: int
    since_title: int
    best_title_overlap: int


class _Said(NamedTuple):
    total: int
    least: int
    greatest: int
    heading_total: int
    heading_least: int
    heading_greatest: int
    worst_heading: int
    before: int
    after: int
    known_share: int


class _Context(NamedTuple):
    chance: int
    before_4: int
    before_3: int
    before_2: int
    before_1: int
    after_1: int
    after_2: int
    after_3: int
    after_4: int
    container_0: int
    container_1: int
    container_2: int
    container_3: int
    container_4: int
    near: int
    far: int
    best_f1: int
    page_share: int
    largest: int
    rank: int
    main_before: int


OWN = _Own(*range(23))  # of a block itself
NEIGHBOUR = _Neighbour(*range(6))  # of each of four blocks around it
NEIGHBOURS = (("two_before", -2), ("before", -1), ("after", 1), ("two_after", 2))
CONTAINER = _Container(*range(6))  # of its element, and of what holds that and more blocks
LEVELS = 4  # of containers
PAGE = _Page(*range(10))  # of the page
CLASSES = _Classes(*range(4))  # how much the class words of all that it stands in speak for main text
SIBLINGS = _Siblings(*range(8))  # of the repeated siblings that it stands in
PLACE = _Place(*range(10))  # where it is on the page
SAID = _Said(*range(10))  # how much its first words, those beside it and those of headings above speak for main text

# The column that each group of features begins at, in the order of `FEATURES`.
NEIGHBOURS_AT = len(OWN)
CONTAINERS_AT = NEIGHBOURS_AT + len(NEIGHBOURS) * len(NEIGHBOUR)
PAGE_AT = CONTAINERS_AT + LEVELS * len(CONTAINER)
FLAGS_AT = PAGE_AT + len(PAGE)
CLASSES_AT = FLAGS_AT + len(FLAG_NAMES)
SIBLINGS_AT = CLASSES_AT + len(CLASSES)
PLACE_AT = SIBLINGS_AT + len(SIBLINGS)
SAID_AT = PLACE_AT + len(PLACE)

#: What the first forest reads of each block.
FEATURES = (
    *OWN._fields,
    *(f"{where}_{name}" for where, _ in NEIGHBOURS for name in NEIGHBOUR._fields),
    *(f"container_{level}_{name}" for level in range(LEVELS) for name in CONTAINER._fields),
    *(f"page_{name}" for name in PAGE._fields),
    *(f"in_{name}" for name in FLAG_NAMES),
    *(f"class_weight_{name}" for name in CLASSES._fields),
    *(f"siblings_{name}" for name in SIBLINGS._fields),
    *PLACE._fields,
    *(f"said_{name}" for name in SAID._fields),
)
#: What it reads if the page is in a language whose words it does not know: all but the last group.
WORDLESS_FEATURES = FEATURES[:SAID_AT]
CONTEXT = _Context(*range(21))  # what the first forest said around a block
#: What the second forest reads besides.
CONTEXT_FEATURES = tuple(f"chance_{name}" for name in CONTEXT._fields)
