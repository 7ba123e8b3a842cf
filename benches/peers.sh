#!/bin/sh
# framereel beside ffmpeg at the same job on the same machine, one after the other.
#   benches/peers.sh [FILM] [RUNS]
# FILM is what both read; without one, or with an empty one, the repository's clip is scaled to 1280x720. Each job runs
# RUNS times (3); the table shows medians. Needs cargo, ffmpeg and ffprobe.
set -eu

film=${1:-}
[ -z "$film" ] || film=$(realpath "$film")
cd "$(dirname "$0")/.."
runs=${2:-3}
cores=$(getconf _NPROCESSORS_ONLN)
framereel=${CARGO_TARGET_DIR:-target}/release/framereel

# The matrix of CSS's sepia(1), and back to what both record: 4:2:0, BT.709, limited range.
sepia=colorchannelmixer=.393:.769:.189:0:.349:.686:.168:0:.272:.534:.131
sepia="$sepia,scale=out_color_matrix=bt709:out_range=tv,format=yuv420p"
rate='-b:v 2500k -g 50'

# Without a desktop Mesa complains on standard error.
[ -n "${XDG_RUNTIME_DIR:-}" ] || export NODEVICE_SELECT=1

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' INT TERM

cargo build --quiet --release --bin framereel
cargo bench --quiet --no-run --bench readback

if [ -z "$film" ]; then
    film=$folder/bunny-720p.mp4
    ffmpeg -nostdin -v error -i examples/clips/bunny.webm -vf scale=1280:720:flags=lanczos -c:v libx264 -crf 18 \
        -pix_fmt yuv420p -color_primaries bt709 -color_trc bt709 -colorspace bt709 -color_range tv "$film"
fi
frames=$(ffprobe -v error -count_packets -select_streams v:0 -show_entries stream=nb_read_packets -of csv=p=0 "$film")
size=$(ffprobe -v error -select_streams v:0 -show_entries stream=width,height -of csv=p=0:s=x "$film")

median() { sort -n | awk '{ value[NR] = $1 } END { print (value[int((NR + 1) / 2)] + value[int((NR + 2) / 2)]) / 2 }'; }

# The frames a second of a command, its start and end included.
speed() {
    : >"$folder/speeds"
    for _ in $(seq "$runs"); do
        began=$(date +%s.%N)
        "$@" >"$folder/said" 2>&1 || { cat "$folder/said" >&2; return 1; }
        echo "$began $(date +%s.%N) $frames" | awk '{ printf "%.2f\n", $3 / ($2 - $1) }' >>"$folder/speeds"
    done
    median <"$folder/speeds"
}

# row NAME FILE SPEED: a line of the table. FILE is `-` where there is none.
row() {
    bytes=-
    [ "$2" = - ] || bytes=$(wc -c <"$2" | awk '{ printf "%.2f MB", $1 / 1e6 }')
    awk -v name="$1" -v speed="$3" -v bytes="$bytes" 'BEGIN { printf "| %s | %.1f | %s |\n", name, speed, bytes }'
}

reel() {
    file=$folder/framereel-$1.webm
    fps=$(speed "$framereel" record "$film" --filter 'sepia(1)' --encoder "$1" -o "$file" --force)
    row "framereel, $1" "$file" "$fps"
}

# peer NAME ENCODER SETTINGS...
peer() {
    name=$1
    encoder=$2
    shift 2
    if ! ffmpeg -hide_banner -encoders 2>/dev/null | grep -q " $encoder "; then
        echo "| $name | not in this ffmpeg | - |"
        return
    fi
    file=$folder/$encoder.webm
    # shellcheck disable=SC2086 # a list of words
    fps=$(speed ffmpeg -nostdin -v error -y -i "$film" -an -vf "$sepia" -c:v "$encoder" "$@" $rate "$file")
    row "$name" "$file" "$fps"
}

echo "$frames frames of $size through sepia(1), $cores cores, medians of $runs"
echo
echo '| whole path: film in, AV1 WebM at 2.5 Mb/s out | frames a second | file |'
echo '|---|---:|---:|'
reel aom
# libaom's 9 is beyond what ffmpeg's own option takes.
peer 'ffmpeg, libaom-av1 (real time, cpu-used 9)' libaom-av1 -usage realtime -cpu-used 8 -aom-params cpu-used=9 \
    -row-mt 1 -tile-columns 1 -threads "$cores" -lag-in-frames 0
reel rav1e
peer 'ffmpeg, librav1e (speed 10, 4 tiles)' librav1e -speed 10 -tiles 4
peer 'ffmpeg, libsvtav1 (preset 12)' libsvtav1 -preset 12
echo
echo '| filters alone: film in, 4:2:0 planes out | frames a second |'
echo '|---|---:|'
for _ in $(seq "$runs"); do
    cargo bench --quiet --bench readback -- "$film" 'sepia(1)'
done >"$folder/said"
fps=$(awk '/frames a second/ { print $(NF - 3) }' "$folder/said" | median)
awk -v speed="$fps" 'BEGIN { printf "| framereel (benches/readback.rs) | %.1f |\n", speed }'
fps=$(speed ffmpeg -nostdin -v error -i "$film" -an -vf "$sepia" -f null -)
awk -v speed="$fps" 'BEGIN { printf "| ffmpeg, colorchannelmixer | %.1f |\n", speed }'
