import pytest

from pipelines.engine.plan import make_plan
from pipelines.recipe.errors import RecipeError
from pipelines.recipe.recipe import load_recipe, parse_recipe

SMALL = """\
name: small
steps:
  - language: {min_score: 0.5}
  - minhash_dedup:
      threshold: 0.9
"""


def refusal(text, *settings):
    with pytest.raises(RecipeError) as e:
        parse_recipe(text, "my.yaml", settings=settings)
    return str(e.value)


def test_settings_reach_the_config_and_the_rest_are_defaults():
    recipe = parse_recipe(SMALL, "my.yaml")
    assert [s.name for s in recipe.steps] == ["language", "minhash_dedup"]
    assert recipe.steps[0].step.min_score == 0.5
    assert recipe.steps[1].step.threshold == 0.9
    assert recipe.steps[1].step.minhash.ngram == 5


def test_unknown_key_is_refused_with_file_line_and_the_nearest():
    text = SMALL.replace("threshold", "treshold")
    assert refusal(text) == "my.yaml:5: treshold: unknown key; did you mean 'threshold'?"


def test_unknown_key_below_a_setting_is_refused_too():
    text = SMALL + "      minhash: {ngrma: 3}\n"
    assert refusal(text) == "my.yaml:6: ngrma: unknown key; did you mean 'ngram'?"
    assert "unknown key; did you mean 'bands'" in refusal(SMALL, "steps.minhash_dedup.minhash.band=3")


def test_a_key_given_twice_is_refused():
    text = SMALL + "      threshold: 0.8\n"
    assert refusal(text) == "my.yaml:6: threshold: given twice, first in line 5; delete one"


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ("minhash_dedup: 0.8", "minhash_dedup: expected settings as key: value, got 0.8"),
        ("5: {a: 1}", "unknown step 5"),
        ("language: [en]", "language: expected settings as key: value, got ['en']"),
        ("language: {keep: [no]}", "keep.0: Input should be a valid string, got False (YAML reads"),
        ("language: {name: read}", "'read' means the input in reports"),
        ("language: {min_score: 50}", "min_score: Input should be less than or equal to 1, got 50"),
    ],
)
def test_what_is_no_settings_is_refused_where_it_stands(steps, said):
    message = refusal(f"name: x\nsteps:\n  - {steps}\n")
    assert message.startswith("my.yaml:3: ")
    assert said in message


def test_steps_that_need_text_stand_behind_extract():
    recipe = parse_recipe("steps: [url_dedup, exact_dedup, extract]", "my.yaml")
    with pytest.raises(RecipeError, match="exact_dedup reads text, which extract writes; put extract before it"):
        make_plan(recipe, [])


def test_steps_must_be_a_list():
    assert refusal("steps: {language: {}}") == "my.yaml:1: steps: expected a list, one '- ' line per entry"


def test_unknown_step_is_refused_with_the_nearest():
    assert "my.yaml:3" in refusal(SMALL.replace("language:", "langauge:"))
    assert "did you mean 'language'" in refusal(SMALL.replace("language:", "langauge:"))


def test_a_number_with_a_comma_is_refused_where_it_stands():
    message = refusal(SMALL.replace("0.9", '"262,144"'))
    assert message.startswith("my.yaml:5: threshold")
    assert "262,144" in message


def test_top_level_typo_and_broken_yaml():
    assert refusal(SMALL.replace("steps:", "stesp:")).startswith("my.yaml:2: stesp: unknown key; did you mean 'steps'")
    assert refusal("name: [").startswith("my.yaml:1: not YAML")
    assert refusal("name: x\nsteps:\n  - lang\x07uage").startswith("my.yaml:3: not YAML: a control character, '\\x07'")
    assert "no steps" in refusal("name: x")


def test_two_steps_of_a_kind_need_names():
    twice = SMALL + "  - language: {min_score: 0.9}\n"
    assert "a second step 'language'" in refusal(twice)
    assert parse_recipe(twice.replace("0.9}", "0.9, name: again}"), "my.yaml").steps[2].name == "again"


def test_set_changes_a_step_by_name_and_refuses_a_wrong_one():
    recipe = parse_recipe(SMALL, "my.yaml", settings=["steps.minhash_dedup.threshold=0.7", "output.formats=[parquet]"])
    assert recipe.steps[1].step.threshold == 0.7
    assert recipe.output.formats == ("parquet",)
    assert "did you mean 'minhash_dedup'" in refusal(SMALL, "steps.minhash_dedupp.threshold=1")
    assert "unknown key" in refusal(SMALL, "steps.minhash_dedup.treshold=1")


@pytest.mark.parametrize("name", ["llama3", "fineweb"])
def test_shipped_recipes_are_whole(name):
    recipe = load_recipe(name, inputs=["x/*.warc.gz"])
    assert recipe.name == name
    assert recipe.sources[0].input == "x/*.warc.gz"


def test_a_missing_recipe_names_the_shipped_ones():
    with pytest.raises(RecipeError, match="llama3, fineweb"):
        load_recipe("lama3")


@pytest.mark.parametrize(
    ("where", "name"),
    [("web [v2].yaml", "web -v2"), (".draft.yaml", "draft"), ("...yaml", "recipe"), ("a" * 200 + ".yaml", "a" * 100)],
)
def test_a_recipe_without_a_name_is_called_after_its_file(where, name):
    assert parse_recipe(SMALL.replace("name: small\n", ""), where).name == name
    assert parse_recipe(SMALL.replace("name: small", "name:"), where).name == name


def test_a_step_with_an_empty_name_is_called_after_its_kind():
    assert parse_recipe("steps: [{language: {name: }}]", "my.yaml").steps[0].name == "language"
