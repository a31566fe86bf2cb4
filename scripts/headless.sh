#!/usr/bin/env bash
# Runs a command with its own session bus and X server, and leaves no process
# behind. Software GL: a build machine has no GPU.
set -euo pipefail
export LIBGL_ALWAYS_SOFTWARE=1 NO_AT_BRIDGE=1
unset WAYLAND_DISPLAY
exec dbus-run-session -- xvfb-run -a -s "-screen 0 1600x1000x24 +extension GLX +extension Composite -nolisten tcp" "$@"
