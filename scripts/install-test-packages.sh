#!/usr/bin/env bash
# Installs the system packages that only some tests need: chromium (the page, and playing the video) and ffmpeg with
# ffprobe (looking into the video). Where that cannot be done it says so and ends well: those tests are skipped then.
set -u

packages=()
command -v chromium >/dev/null || packages+=(chromium)
command -v ffprobe >/dev/null || packages+=(ffmpeg)

if [ ${#packages[@]} -eq 0 ]; then
  echo "chromium and ffprobe are installed."
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
if ! { "${apt[@]}" update && "${apt[@]}" install --no-install-recommends "${packages[@]}"; } >"$log" 2>&1; then
  tail -n 5 "$log"
  give_up "apt-get failed"
fi
