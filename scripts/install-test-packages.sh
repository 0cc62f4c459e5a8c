#!/usr/bin/env bash
# Installs what only some tests need: the system packages chromium-headless-shell (the page, and playing the video) and ffmpeg with ffprobe
# (looking into the video), the Python packages of tests/openai in a virtual environment of their own, and the generator of
# tests/clients/generated with the TypeScript that it needs. Where that cannot be done it says so and ends well: those
# tests are skipped then.
set -u

root=$(cd "$(dirname "$0")/.." && pwd)

install_python_packages() {
  local requirements=$root/tests/openai/requirements.txt environment=$root/.python
  if cmp -s "$requirements" "$environment/requirements.txt"; then
    echo "The Python packages are installed."
    return
  fi
  echo "Installing the Python packages of tests/openai …"
  rm -rf "$environment"
  if python3 -m venv "$environment" >/dev/null 2>&1 &&
    "$environment/bin/pip" install --quiet --disable-pip-version-check --retries 4 --requirement "$requirements"; then
    cp "$requirements" "$environment/requirements.txt"
  else
    rm -rf "$environment"
    echo "Not installed: the Python packages. The tests that need them are skipped."
  fi
}

install_generator() {
  local folder=$root/tests/clients/generated
  if cmp -s "$folder/package-lock.json" "$folder/node_modules/.lock"; then
    echo "The generator for TypeScript is installed."
    return
  fi
  echo "Installing the generator of tests/clients/generated …"
  if npm ci --prefix "$folder" --no-audit --no-fund --loglevel=error >/dev/null; then
    cp "$folder/package-lock.json" "$folder/node_modules/.lock"
  else
    rm -rf "$folder/node_modules"
    echo "Not installed: the generator for TypeScript. The tests that need it are skipped."
  fi
}

install_python_packages
install_generator

packages=()
command -v chromium-headless-shell >/dev/null || command -v chromium >/dev/null || packages+=(chromium-headless-shell)
command -v ffprobe >/dev/null || packages+=(ffmpeg)

if [ ${#packages[@]} -eq 0 ]; then
  echo "Chromium and ffprobe are installed."
  exit 0
fi

give_up() {
  echo "Not installed: ${packages[*]} ($1). The tests that need them are skipped."
  exit 0
}

command -v apt-get >/dev/null || give_up "no apt-get here"
[ "$(id -u)" -eq 0 ] || give_up "only root can install; sudo $0"

echo "Installing ${packages[*]} …"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -y
  -o Acquire::Retries=4 -o Acquire::http::Timeout=20 -o DPkg::Lock::Timeout=120)
install() {
  "${apt[@]}" update || return
  # Not every distribution has the browser without windows as a package of its own.
  apt-cache show chromium-headless-shell >/dev/null 2>&1 || packages=("${packages[@]/chromium-headless-shell/chromium}")
  "${apt[@]}" install --no-install-recommends "${packages[@]}"
}
if ! install >"$log" 2>&1; then
  tail -n 5 "$log"
  give_up "apt-get failed"
fi
