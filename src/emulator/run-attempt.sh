# Runs an attempt's entrypoint and leaves its exit code in a file, so that it is found again after the emulator died.
# sh run-attempt.sh ENTRYPOINT EXIT_FILE VIRTUAL_ENVIRONMENT REQUIREMENTS_FILE INSTALLER CHECK_RAY
# The last four are empty where there is nothing to install or to check.
#
# It starts only at a word on descriptor 3, which comes when the process is recorded: an emulator killed in between leaves
# no process that nobody knows. A signal is left to the entrypoint, whose end is waited for; one that comes before it has
# started keeps it from starting. What is in the file is whole when its line break is there.
trap 'ended=1' TERM INT HUP
ended=
read -r go <&3 && exec 3<&- && [ -z "$ended" ] || { echo not-started > "$2"; exit 125; }

if [ -n "$3" ]; then
  if ! command -v python3 > /dev/null; then
    echo "[emulator] requirements need python3, and there is none in PATH"
    echo setup-failed > "$2"
    exit 1
  fi
  if ! python3 "$5" "$3" "$4"; then
    echo "[emulator] the requirements could not be installed: what pip says stands above"
    echo setup-failed > "$2"
    exit 1
  fi
  VIRTUAL_ENV="$3"
  PATH="$3/bin:$PATH"
  export VIRTUAL_ENV PATH
fi

if [ -n "$6" ]; then
  if python3 -c 'import importlib.util, sys; sys.exit(importlib.util.find_spec("ray") is None)' 2> /dev/null; then
    echo "[emulator] Ray is the one installed here, on this machine alone"
  else
    echo "[emulator] Ray is imported, and python3 here has none: add it to the requirements"
  fi
fi

[ -z "$ended" ] || exit 143
# By its path: the PATH is the job's own.
/bin/sh -c "$1"
code=$?
echo "$code" > "$2"
exit "$code"
