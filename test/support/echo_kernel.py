"""A kernel of a language of its own, for tests: it says what it is told, and `fail` fails."""

from ipykernel.kernelapp import IPKernelApp
from ipykernel.kernelbase import Kernel


class EchoKernel(Kernel):
    """Speaks the Jupyter protocol through ipykernel's base class, as wrapper kernels do."""

    implementation = "echo"
    implementation_version = "1"
    banner = "echo"
    language_info = {"name": "echo", "mimetype": "text/plain", "file_extension": ".txt"}

    def do_execute(self, code, silent, store_history=True, user_expressions=None, allow_stdin=False, **_):
        if code == "fail":
            error = {"ename": "EchoError", "evalue": "asked to", "traceback": ["asked to"]}
            self.send_response(self.iopub_socket, "error", error)
            return {"status": "error", **error}
        self.send_response(self.iopub_socket, "stream", {"name": "stdout", "text": code})
        return {
            "status": "ok",
            "execution_count": self.execution_count,
            "payload": [],
            "user_expressions": {},
        }


IPKernelApp.launch_instance(kernel_class=EchoKernel)
