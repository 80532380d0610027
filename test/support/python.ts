/** Python on this machine, and packages for it. */
import { execFileSync } from "node:child_process";
import { aDirectory } from "./emulator.ts";

/** Whether there is a `python3` that can make virtual environments. */
export const hasPython = (() => {
  try {
    execFileSync("python3", ["-m", "venv", "--help"], { stdio: "ignore" });
    return true;
  } catch {
    process.stderr.write("skipped: what needs python3 with venv\n");
    return false;
  }
})();

/** The directory of a package with one module, `WORD` in it, that pip can install without a network. */
export function aPackage(name: string, word: string): string {
  return aDirectory({
    "pyproject.toml": `[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n`,
    "backend.py": BACKEND.replaceAll("NAME", name).replaceAll("GREETING", word),
  });
}

/** Builds a wheel by itself, as pip has no network for a build tool here; counts its builds, and hangs when told to. */
const BACKEND = `
import os, time, zipfile

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    here = os.path.dirname(os.path.abspath(__file__))
    open(os.path.join(here, "builds"), "a").write("built\\n")
    open(os.path.join(here, "pid"), "w").write(str(os.getpid()))
    while os.path.exists(os.path.join(here, "slow")):
        time.sleep(0.1)
    name = "NAME-1.0-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(wheel_directory, name), "w") as wheel:
        wheel.writestr("NAME.py", "WORD = 'GREETING'\\n")
        wheel.writestr("NAME-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: NAME\\nVersion: 1.0\\n")
        wheel.writestr("NAME-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("NAME-1.0.dist-info/RECORD", "")
    return name
`;
