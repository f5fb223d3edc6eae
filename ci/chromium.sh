#!/usr/bin/env bash
# Prints the environment in which tests drive a browser:
#     eval "$(ci/chromium.sh)"
# CHROMIUM is the program: the one that this variable names already, an installed one, or Debian's, which is unpacked under
# the target directory and not installed. BROWSER_MODULES is a folder of packages from npm: playwright-core, which drives
# it, and axe-core, which judges how accessible a page is. Fails where one of them is not to be had.
set -euo pipefail
cd "$(dirname "$0")/.."
. ci/debian.sh

# One at a time, of those that run at once.
mkdir -p "$(dirname "$(debian_root chromium)")"
exec 8>"$(debian_root chromium).whole"
flock 8

# A program that starts Debian's Chromium with the libraries and fonts that were unpacked beside it.
debian_chromium() {
    local home packages libraries
    home=$(debian_root chromium)
    if [ ! -x "$home/run" ]; then
        mapfile -t packages < <(apt-get install -s --no-install-recommends chromium fonts-dejavu-core |
            awk '$1 == "Inst" {print $2}')
        unpack_debian "$home" "${packages[@]}" >&2
        libraries=$(find "$home/usr/lib" "$home/lib" -name '*.so*' -printf '%h\n' 2>/dev/null | sort -u | paste -sd :)
        cat >"$home/fonts.conf" <<FONTS
<?xml version="1.0"?>
<fontconfig>
  <dir>/usr/share/fonts</dir>
  <dir>$home/usr/share/fonts</dir>
  <cachedir>$home/fonts</cachedir>
  <match target="pattern"><edit name="family" mode="append"><string>DejaVu Sans</string></edit></match>
</fontconfig>
FONTS
        cat >"$home/run.part" <<RUN
#!/bin/sh
export LD_LIBRARY_PATH='$libraries' FONTCONFIG_FILE='$home/fonts.conf'
exec '$home/usr/lib/chromium/chromium' "\$@"
RUN
        chmod +x "$home/run.part"
        mv "$home/run.part" "$home/run"
    fi
    echo "$home/run"
}

modules=${CARGO_TARGET_DIR:-$PWD/target}/npm/browser
packages=(playwright-core@1.65.1 axe-core@4.14.1)
if [ "$(cat "$modules/packages" 2>/dev/null)" != "${packages[*]}" ]; then
    npm install --silent --no-save --no-audit --no-fund --ignore-scripts --prefix "$modules" "${packages[@]}" >&2
    echo "${packages[*]}" >"$modules/packages"
fi
for program in "${CHROMIUM:-}" chromium chromium-browser google-chrome; do
    if [ -n "$program" ] && path=$(command -v "$program"); then break; fi
    path=
done
[ -n "$path" ] || path=$(debian_chromium)
printf 'export CHROMIUM=%q BROWSER_MODULES=%q\n' "$path" "$modules/node_modules"
