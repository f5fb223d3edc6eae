#!/usr/bin/env bash
# Builds the guide with mdbook, under the target directory, and checks its links to the documentation of the crate. Its code is run by
# `cargo test --doc --all-features`, its other links and its figures by `cargo test --test documents --test guide`.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
version=0.5.4
tools=$CARGO_TARGET_DIR/tools/guide

if ! "$tools/bin/mdbook" --version 2>/dev/null | grep -q "v$version"; then
    # Without what serves and searches a book, and without optimization: a few dozen crates.
    CARGO_TARGET_DIR=$tools/build cargo install -q --locked --debug --no-default-features --root "$tools" "mdbook@$version" >&2
    rm -rf "$tools/build"
fi
book=$CARGO_TARGET_DIR/guide
"$tools/bin/mdbook" build --dest-dir "$book" docs/guide

# Each chapter has its page, and each picture is there.
for chapter in docs/guide/src/*.md; do
    page=$(basename "$chapter" .md)
    [ "$page" = SUMMARY ] || [ -s "$book/$page.html" ] || { echo "ci/guide.sh: no page of $chapter" >&2; exit 1; }
done
grep -oh '](storms/[^)]*' docs/guide/src/*.md | sed 's/.*(//' | while read -r picture; do
    [ -s "$book/$picture" ] || { echo "ci/guide.sh: $picture is not in the book" >&2; exit 1; }
done

# What the guide links to at docs.rs is what `cargo doc` makes, anchors included.
[ -e "$CARGO_TARGET_DIR/doc/redial/index.html" ] || cargo doc -q --no-deps --all-features
grep -oh 'https://docs\.rs/redial/latest/[^)> ]*' docs/guide/src/*.md | sort -u | {
    links=0 broken=0
    while read -r link; do
        path=${link#https://docs.rs/redial/latest/}
        file=${path%%#*}
        anchor=${path#"$file"}
        links=$((links + 1))
        if [ ! -s "$CARGO_TARGET_DIR/doc/$file" ]; then
            echo "ci/guide.sh: no such page: $link" >&2
            broken=$((broken + 1))
        elif [ -n "$anchor" ] && ! grep -q "id=\"${anchor#\#}\"" "$CARGO_TARGET_DIR/doc/$file"; then
            echo "ci/guide.sh: no such place: $link" >&2
            broken=$((broken + 1))
        fi
    done
    echo "$links links to the documentation, $broken broken"
    [ "$broken" = 0 ]
}
