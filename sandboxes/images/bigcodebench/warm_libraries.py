"""What a zygote loads ahead of its jobs: the libraries that BigCodeBench's tasks name most.

Lies beside the libraries and is called by the agent (zygote.py) in a process that then forks a job
after another. So there must be one thread at the end, and no file: the font list is read from the
folder that the environment was built with, and what a library leaves in its home is removed.

    science   numpy, pandas, matplotlib and what is used with them; web and text libraries
    tensor    the same, and what takes seconds to load: tensorflow, keras, librosa

geopandas is left to the jobs: with it pyproj opens its database, and no job has that descriptor.
"""

import gc
import importlib
import os
import shutil
import threading
import warnings
from collections.abc import Callable, Iterable
from typing import Any

SCIENCE = (
    "numpy numpy.random numpy.linalg numpy.testing pandas pandas.testing pandas.plotting "
    "matplotlib matplotlib.pyplot matplotlib.figure matplotlib.dates matplotlib.ticker "
    "matplotlib.backends.backend_agg mpl_toolkits.mplot3d seaborn "
    "scipy.stats scipy.optimize scipy.signal scipy.integrate scipy.interpolate scipy.linalg "
    "scipy.fftpack scipy.spatial scipy.ndimage scipy.cluster.hierarchy scipy.sparse scipy.io.wavfile "
    "sklearn.cluster sklearn.compose sklearn.datasets sklearn.decomposition sklearn.ensemble "
    "sklearn.feature_extraction.text sklearn.feature_selection sklearn.impute "
    "sklearn.linear_model sklearn.metrics sklearn.model_selection sklearn.naive_bayes "
    "sklearn.neighbors sklearn.pipeline sklearn.preprocessing sklearn.svm sklearn.tree "
    "statsmodels.api statsmodels.formula.api statsmodels.tsa.api "
    "requests bs4 lxml.etree lxml.html faker nltk nltk.corpus nltk.tokenize nltk.sentiment "
    "nltk.sentiment.vader nltk.stem pytz dateutil.parser PIL.Image PIL.ImageDraw PIL.ImageFont cv2 psutil regex "
    "openpyxl docx xlwt yaml sympy folium geopy wordcloud textblob prettytable texttable chardet natsort xmltodict "
    "flask flask_login flask_mail flask_restful flask_wtf wtforms werkzeug.security "
    "django.conf django.http rsa cryptography.fernet cryptography.hazmat.primitives.ciphers "
    "cryptography.hazmat.backends Crypto.Cipher.AES blake3 "
    "concurrent.futures multiprocessing multiprocessing.pool sqlite3 http.server xml.etree.ElementTree "
    "email.mime.text smtplib csv zipfile tarfile gzip configparser ftplib imaplib cgi hmac secrets"
).split()
TENSOR = (
    "tensorflow tensorflow.keras keras keras.models keras.layers keras.optimizers "
    "librosa librosa.display soundfile"
).split()


def _load(modules: "Iterable[str]") -> None:
    for module in modules:
        importlib.import_module(module)


def _science() -> None:
    folder = os.environ["MPLCONFIGDIR"]
    really_access = os.access
    # matplotlib wants to write there, or makes a folder of its own and looks for fonts again.
    os.access = lambda path, mode: str(path) == folder or really_access(path, mode)
    try:
        matplotlib: Any = importlib.import_module("matplotlib")
        matplotlib.get_cachedir()
        matplotlib.get_configdir()
        _load(SCIENCE)
    finally:
        os.access = really_access


def _warm_up() -> None:
    """One call of what is called most, so that its first call touches pages here, once."""
    plt: Any = importlib.import_module("matplotlib.pyplot")
    font_manager: Any = importlib.import_module("matplotlib.font_manager")
    linear_model: Any = importlib.import_module("sklearn.linear_model")
    np: Any = importlib.import_module("numpy")
    pd: Any = importlib.import_module("pandas")
    frame = pd.DataFrame({"a": [1, 2, 1], "b": [0.5, 1.5, 2.5], "c": list("xyz")})
    frame.groupby("a")["b"].mean()
    frame.describe()
    str(frame)
    linear_model.LinearRegression().fit(np.arange(6).reshape(3, 2), np.arange(3))
    figure, axes = plt.subplots()
    axes.hist(np.arange(9))
    axes.set_title("warm")
    figure.canvas.draw()
    plt.close("all")
    # An open font is an open file, and a job has none of our descriptors.
    font_manager._get_font.cache_clear()


def _quietly(*steps: "Callable[[], None]") -> None:
    descriptors = set(os.listdir("/proc/self/fd"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for step in steps:
            step()
    gc.collect()
    _leave_nothing(descriptors)


def _leave_nothing(descriptors: "set[str]") -> None:
    if opened := set(os.listdir("/proc/self/fd")) - descriptors:
        raise RuntimeError(f"no job has these descriptors: {sorted(opened)}")
    home = os.environ["HOME"]
    for name in os.listdir(home):
        path = os.path.join(home, name)
        shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
    names = [thread.name for thread in threading.enumerate()]
    tasks = os.listdir("/proc/self/task")
    if len(tasks) > 1:
        raise RuntimeError(f"threads do not survive a fork: {names}, {len(tasks)} of the system")


GROUPS = {
    "science": lambda: _quietly(_science, _warm_up),
    "tensor": lambda: _quietly(_science, lambda: _load(TENSOR), _warm_up),
}
