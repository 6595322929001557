"""The `galop` command. Until it is read, which takes a moment, Ctrl-C ends the process as it ends any other."""

import _signal as signal  # type: ignore[import-not-found]  # without the enums of `signal`, which take a moment, too
import sys

early = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # or a parent had it ignored
if early:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def main() -> None:
    status = None
    if sys.argv[1:2] == ["run"]:
        from galop.attach import attach  # before what takes longer to import than a server to answer

        status = attach(sys.argv[2:])
    if status is None:
        from galop.cli import main as command

        if early:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        command()
    sys.exit(status)


if __name__ == "__main__":
    main()
