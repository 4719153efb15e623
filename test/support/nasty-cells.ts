/**
 * Cells that show where one kernel differs from another: each is run through the forked kernel and through stock ipykernel
 * over ZeroMQ, one after the other in the same two kernels, so later cells see what earlier ones left behind.
 */

export interface NastyCell {
  readonly source: string
  /** Why the two may differ here; what the forked kernel gives is then compared with nothing. */
  readonly differs?: string
  /** Text on descriptors: stock reads it in a thread of its own, so that it comes before or after other outputs by chance. */
  readonly isLoose?: boolean
}

const both = (source: string): NastyCell => ({ source })
const loose = (source: string): NastyCell => ({ source, isLoose: true })

/** State that warming up could have left, looked at before anything else has run. */
const TRACES: readonly NastyCell[] = [
  both('_, __, ___, Out, In'),
  both(
    '_i, _ii, _iii, _ih, _dh == [__import__("os").getcwd()] or [str(d) for d in _dh] == [__import__("os").getcwd()]',
  ),
  both('%who'),
  both('%history -n'),
  both('sorted(name for name in globals() if not name.startswith("_"))'),
  both('sorted(name for name in globals() if name.startswith("__")), __doc__, __spec__, __loader__, __package__'),
  both('import sys\n[hasattr(sys, name) for name in ("last_type", "last_value", "last_traceback")]'),
  both('%tb'),
  both('__name__, "__file__" in globals(), sys.modules["__main__"] is sys.modules[__name__]'),
  both('len(sys.argv), sys.argv[0].rpartition("/")[2], "" in sys.path, "/runner" in sys.path'),
  both('sys.path'),
  both('[name for name in sys.modules if name.startswith("forks") or name == "fork_server"]'),
  both('import logging\nlogging.root.handlers, logging.root.level, logging.getLogger("tornado").handlers != []'),
  both('import asyncio\ntype(asyncio.get_event_loop_policy()), type(asyncio.get_running_loop())'),
  { source: 'import warnings\nwarnings.filters[:3]', differs: 'numpy is imported, which adds three of its own' },
  both(
    'import signal\nsignal.getsignal(signal.SIGINT) is signal.default_int_handler, signal.getsignal(signal.SIGTERM)',
  ),
  both(
    'import os\n{name: os.environ.get(name) for name in ("MPLBACKEND", "TERM", "PAGER", "FORCE_COLOR", "CLICOLOR")}',
  ),
  both('get_ipython(), type(get_ipython()), "IPKernelApp" in get_ipython().config'),
  both('type(get_ipython().kernel), get_ipython().kernel.session is not None'),
  both('get_ipython().ipython_dir.rpartition("/")[2], sorted(os.listdir(get_ipython().ipython_dir))'),
  both('sorted(os.listdir(get_ipython().profile_dir.location))'),
  both('get_ipython().history_manager.session_number, get_ipython().history_manager.hist_file'),
  both('sys.stdout, sys.stderr, type(sys.displayhook), sys.stdout.isatty(), sys.stdout.encoding, sys.stdout.errors'),
  both('sys.stdin.isatty(), sys.stdin.read(), sys.__stdout__.isatty()'),
  { source: '%config', differs: 'the inline backend is loaded, and lists itself' },
  both('%lsmagic'),
  both('%alias'),
  both('%matplotlib --list'),
  both('%env FRESH=1\nos.environ["FRESH"]'),
]

/** What is shown, and how. */
const SHOWN: readonly NastyCell[] = [
  both('"a"\n"b";'),
  both('float("nan"), float("inf")'),
  both(
    'from IPython.display import *\nfirst = display(HTML("<b>1</b>"), display_id="d"); display(Markdown("*m*"), Latex("$x$"))',
  ),
  both(
    'first.update(HTML("<b>2</b>"))\ndisplay(SVG("<svg xmlns=\'http://www.w3.org/2000/svg\'></svg>"), JSON({"a": [1, None]}))',
  ),
  both('display({"text/plain": "raw", "application/json": {"a": (1, 2)}}, raw=True, metadata={"x": 1})'),
  both('display({"application/json": {"x": float("nan"), "y": float("-inf")}}, raw=True)'),
  both(
    'import numpy as np\ndisplay({"application/json": {"i": np.int64(3), "f": np.float64(1.5), "l": np.arange(3)}}, raw=True)',
  ),
  both(
    'import datetime\ndisplay({"application/json": {"d": datetime.date(2024, 1, 2), "b": b"abc", "s": {1}, 5: 6}}, raw=True)',
  ),
  both('display({"application/json": {(1, 2): object()}}, raw=True)'),
  both('deep = []\nfor _ in range(100_000): deep = [deep]\ndisplay({"application/json": deep}, raw=True)'),
  both('print("\\ud800 half"); "\\udc80 other half"'),
  both('print("\\x00\\x1b[31mred\\x1b[0m \\u2028 \\U0001f600")'),
  // In one line: how many lines of a class a traceback shows depends on the hash seed, in stock as well.
  both('type("Loud", (), {"__repr__": lambda self: 1 / 0})()'),
  both(
    'class Html:\n    def _repr_html_(self): return "<i>h</i>"\n    def _repr_png_(self): return b"\\x89PNG"\nHtml()',
  ),
  both(
    'class Both:\n    def _repr_mimebundle_(self, **k): return {"text/plain": "t", "a/b": "c"}, {"a/b": {"m": 1}}\nBoth()',
  ),
  both('class Odd:\n    def _ipython_display_(self): print("shown by itself")\nOdd()'),
  both('print("gone")\nclear_output()\nprint("stays")'),
  both('print("gone")\nclear_output(wait=True)\ndisplay("instead")'),
  both('print("one"); clear_output(wait=True)'),
  both('for step in range(3):\n    print("\\rstep", step, end="")'),
  both('import pandas as pd\npd.DataFrame({"a": [1, None], "b": ["x", "y"]})'),
  both('pd.Series([1.5, 2]), pd.Timestamp("2024-01-02", tz="UTC")'),
  both('pd.DataFrame({"a": [1, 2]}).info()'),
  both('Image(data=b"\\x89PNG\\r\\n", format="png")'),
  both('display(ProgressBar(3))'),
  both(
    'import comm\nc = comm.create_comm(target_name="t", data={"x": 1}); c.send({"y": 2}); c.close(); print("talked")',
  ),
]

/** What is printed, by whom. */
const PRINTED: readonly NastyCell[] = [
  both('print("out"); print("err", file=sys.stderr); print("out again")'),
  both('sys.stdout.write("no line end")'),
  both('sys.stdout.write(b"bytes")'),
  both('sys.stdout.writelines(["a\\n", "b\\n"]); sys.stdout.flush(); sys.stdout.writable(), sys.stdout.closed'),
  both('sys.stdout.buffer'),
  both('sys.stdout.read()'),
  both('print("flushed", flush=True); display("between"); print("after")'),
  loose('os.system("echo from a child; echo to stderr >&2")'),
  loose('import subprocess\nsubprocess.run(["echo", "run"]).returncode'),
  {
    source: 'subprocess.run(["echo", "handed over"], stdout=sys.stdout);',
    differs: "stock writes to the service's own output",
  },
  both('subprocess.run(["echo", "taken"], capture_output=True, text=True).stdout'),
  both('!echo shell; echo $((1+1))'),
  both('lines = !printf "a\\nb\\n"\nlines'),
  both('!exit 3\n_exit_code'),
  both('%%bash\necho bash; echo err >&2'),
  both('%%bash\nexit 2'),
  both('%%sh --out caught\necho caught'),
  both('caught'),
  both('%%capture held\nprint("held"); display(1); print("err", file=sys.stderr)'),
  both('held.stdout, held.stderr, held.outputs'),
  both(
    'from contextlib import redirect_stdout\nimport io\nwith redirect_stdout(io.StringIO()) as f: print("elsewhere")\nf.getvalue()',
  ),
  {
    source: 'import ctypes\nctypes.CDLL(None).puts(b"from C"); ctypes.CDLL(None).fflush(None)',
    differs: 'stock may show it after the result, or in the next cell',
  },
  { source: 'os.write(1, "ä€\\U0001f600\\n".encode());', differs: 'stock may show it in the next cell' },
  both('import threading\nt = threading.Thread(target=lambda: print("thread")); t.start(); t.join()'),
  both(
    'from concurrent.futures import *\nwith ThreadPoolExecutor(2) as pool: print(list(pool.map(lambda n: n * n, range(4))))',
  ),
  both(
    'import multiprocessing as mp\np = mp.get_context("fork").Process(target=print, args=("forked",)); p.start(); p.join(); p.exitcode',
  ),
  both('def square(n): return n * n\nwith mp.get_context("fork").Pool(2) as pool: print(pool.map(square, range(5)))'),
  both('pid = os.fork()\nif pid == 0:\n    print("child", flush=True); os._exit(7)\nos.waitpid(pid, 0)[1] >> 8'),
  both('logging.warning("careful")'),
  both('warnings.warn("mind this")'),
  both('print(*range(3), sep="-", end="!\\n", file=sys.stderr)'),
]

/** Errors, ends and everything that is not a plain statement. */
const FLOW: readonly NastyCell[] = [
  both('def f(n):\n    return 1 / n\nf(0)'),
  both('try:\n    1/0\nexcept Exception as e:\n    raise KeyError("outer") from e'),
  both('raise ExceptionGroup("many", [ValueError(1), TypeError(2)]) if sys.version_info >= (3, 11) else ValueError(1)'),
  both('if True\n    pass'),
  both('  indented'),
  both('undefined_name'),
  {
    source: 'class Mine(Exception):\n    def __str__(self): raise ValueError\nraise Mine',
    differs: 'a line of ipykernel is underlined until Python has specialised it, in stock after a few errors',
  },
  both('def r(): r()\nr()'),
  both('raise KeyboardInterrupt'),
  both('raise SystemExit'),
  both('sys.exit("with words")'),
  both('sys.exit(3)'),
  both('assert 1 == 2, "message"'),
  both('input("who? ")'),
  both('import getpass\ngetpass.getpass()'),
  both('await asyncio.sleep(0)\nawait asyncio.gather(*[asyncio.sleep(0, n) for n in range(3)])'),
  both('async for n in (x async for x in __import__("IPython").display.__dict__ if False): pass'),
  both('asyncio.run(asyncio.sleep(0))'),
  both('async def later():\n    await asyncio.sleep(0); print("task")\ntask = asyncio.create_task(later())'),
  both('await task'),
  both('import contextvars\nvar = contextvars.ContextVar("v"); var.set(1);'),
  both('var.get()'),
  both('%time 1 + 1;'),
  both('%precision 2\n3.14159'),
  both('%precision'),
  both('%%writefile mod_for_test.py\nX = 5\nprint("imported", __name__)'),
  both('%run mod_for_test.py\nX'),
  both('import mod_for_test'),
  both('%load_ext autoreload\n%autoreload 0'),
  both('%pwd'),
  both('%cd /tmp\n%cd -q -'),
  both('%no_such_magic'),
  both('%%no_such_cell_magic\nx'),
  both('f?'),
  both('len??'),
  both('%pinfo len'),
  both('%store X'),
  both('%%script --no-raise-error bash\nexit 4'),
  both('%%python3\nprint("another python")'),
  both('%xmode Plain\n'),
  both('1/0'),
  both('%xmode Context'),
  both('from __future__ import annotations\ndef g(x: Undefined): pass\ng.__annotations__'),
  both('x = 1; x += 1; _ = 5; x'),
  both('_'),
  both('In[-1], Out[max(Out)]'),
  both('get_ipython().run_cell("40 + 2").result'),
  both('get_ipython().run_line_magic("who_ls", "int")'),
  both('exec("print(1)"); eval("2")'),
  both('display(get_ipython().user_ns is globals())'),
  both('get_ipython().set_next_input("more")'),
  both('del x\nx'),
  both('%reset -f\n"f" in globals()'),
]

/** Plots, as the inline backend shows them. */
const PLOTS: readonly NastyCell[] = [
  both('import matplotlib\nmatplotlib.get_backend()'),
  both('import matplotlib.pyplot as plt\nplt.plot([1, 2]);'),
  both('sorted(matplotlib.rcParams.items())'),
  both('plt.plot([2, 1])\n1/0'),
  both('fig, ax = plt.subplots()\nax.set_title("t")\nplt.close(fig)\nfig'),
  both('plt.figure(); plt.show(); print("after")'),
  both('%matplotlib inline\nplt.plot([1]);'),
  both('%config InlineBackend.figure_formats = ["svg"]\nplt.plot([1]);'),
  both('plt.get_fignums(), plt.isinteractive()'),
  both('import matplotlib.units\nsorted(str(kind) for kind in matplotlib.units.registry)'),
  both('import pandas as pd\npd.DataFrame({"a": [1, 2]}).plot()'),
  both('matplotlib.use("Agg")\nplt.plot([1]);'),
]

/** Notebooks of nasty cells, by name; cells of one follow each other in one kernel. */
export const NASTY: Readonly<Record<string, readonly NastyCell[]>> = {
  'traces of the preparation': TRACES,
  displays: SHOWN,
  streams: PRINTED,
  'errors, magics and asynchronous code': FLOW,
  plots: PLOTS,
}
