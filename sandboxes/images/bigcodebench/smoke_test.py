"""Whether an environment has every library that BigCodeBench's tasks name: imports each, and says.

Run by its interpreter when the environment is built: `python smoke_test.py [LEFT_OUT…]`. Ends with 1
where one is missing, or can't be used for what tasks want of it: nltk without its resources, a font.
"""

import importlib
import sys
import warnings

NAMED = (
    "blake3 bs4 chardet Crypto cryptography cv2 dateutil django docx docxtpl faker flask flask_login "
    "flask_mail flask_restful flask_wtf folium gensim geopandas geopy holidays html5lib keras "
    "Levenshtein librosa lxml matplotlib mechanize mpl_toolkits natsort networkx nltk numpy openpyxl "
    "pandas PIL pip pkg_resources prettytable psutil pyfakefs pyquery pytesseract python_http_client "
    "pytz regex requests requests_mock rsa scipy seaborn selenium sendgrid shapely skimage sklearn "
    "soundfile statsmodels sympy tensorflow textblob texttable tqdm werkzeug wikipedia wordcloud "
    "wordninja wtforms xlrd xlwt xmltodict yaml zope.interface"
).split()
"""By import. `pip` and `pkg_resources` are named by tasks 562 and 227."""


def _missing(left_out: "set[str]") -> "list[str]":
    found: list[str] = []
    for name in NAMED:
        if name in left_out:
            continue
        try:
            importlib.import_module(name)
        except Exception as error:
            found.append(f"{name}: {type(error).__name__}: {error}")
    return found


def _unusable() -> "list[str]":
    """Resources that tasks read, and would download where there is a network."""
    data = importlib.import_module("nltk.data")
    found: list[str] = []
    for resource in (
        "tokenizers/punkt/english.pickle",
        "corpora/stopwords",
        "corpora/words",
        "sentiment/vader_lexicon.zip",
        "taggers/averaged_perceptron_tagger",
    ):
        try:
            data.find(resource)
        except LookupError:
            try:
                data.find(f"{resource}.zip")
            except LookupError:
                found.append(f"nltk's {resource}")
    return found


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    problems = [*_missing(set(sys.argv[1:])), *_unusable()]
    for problem in problems:
        sys.stderr.write(f"missing: {problem}\n")
    sys.exit(1 if problems else 0)
