"""The `galop` command. Until it is read, which takes a moment, Ctrl-C ends the process as it ends any other."""

import _signal as signal  # type: ignore[import-not-found]  # without the enums of `signal`, which take a moment, too

early = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # or a parent had it ignored
if early:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from galop.cli import main as command  # noqa: E402


def main() -> None:
    if early:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    command()


if __name__ == "__main__":
    main()
