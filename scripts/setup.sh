#!/bin/sh
# Installs what framereel needs and this machine lacks, and nothing else.
#   scripts/setup.sh build    to build and to record
#   scripts/setup.sh test     the same, and what the tests judge with
set -eu

say() { printf 'set-up: %s\n' "$*"; }
fail() { say "$*" >&2; exit 1; }

missing=""  # Debian's packages
absent=""   # the same for people on other systems
vital=no    # whether something is absent without which nothing builds

# need HOW PACKAGES WHAT: adds these packages when the command HOW fails.
need() {
    if ! eval "$1" >/dev/null 2>&1; then
        missing="$missing $2"
        absent="$absent${absent:+, }$3"
        [ "$4" = optional ] || vital=yes
    fi
}

has() { command -v "$1"; }

# A Vulkan loader, and a driver's manifest for it where loaders look.
has_vulkan() {
    { ldconfig -p 2>/dev/null || /sbin/ldconfig -p; } | grep -q 'libvulkan\.so\.1' || return 1
    for manifest in ${VK_DRIVER_FILES:-} ${VK_ICD_FILENAMES:-} \
        /usr/share/vulkan/icd.d/*.json /usr/local/share/vulkan/icd.d/*.json /etc/vulkan/icd.d/*.json; do
        [ -e "$manifest" ] && return 0
    done
    return 1
}

# What the features `audio`, `vpx` and `camera` are built from: the headers of ALSA and of libvpx, found by pkg-config, and
# libclang for bindgen.
has_alsa() { pkg-config --exists alsa; }
has_libvpx() { pkg-config --exists vpx; }
has_libclang() {
    # Not libclang-cpp, which Mesa's drivers bring along and bindgen does not take.
    for folder in "${LIBCLANG_PATH:-/nowhere}" /usr/lib/llvm-*/lib /usr/lib*; do
        for library in "$folder"/libclang.so* "$folder"/libclang-[0-9]*.so*; do
            [ -e "$library" ] && return 0
        done
    done
    return 1
}

# Cameras and microphones without hardware: each program and plug-in that tests/support/devices.rs starts.
has_devices() {
    for program in dbus-daemon pipewire pw-cli pw-dump pw-metadata pipewire-pulse pactl parec wireplumber wpctl; do
        has "$program" || return 1
    done
    for element in matroskademux videoconvert audioconvert pulsesink pipewiresink; do
        gst-inspect-1.0 "$element" || return 1
    done
    ls /usr/lib*/pipewire-0.3/v4l2/libpw-v4l2.so /usr/lib/*/pipewire-0.3/v4l2/libpw-v4l2.so | grep -q .
}

# What the window loads when it opens on X11.
has_window_libraries() {
    libraries=$({ ldconfig -p 2>/dev/null || /sbin/ldconfig -p; })
    for library in libX11.so.6 libX11-xcb.so.1 libXcursor.so.1 libXi.so.6 libxkbcommon-x11.so.0; do
        case "$libraries" in *"$library"*) ;; *) return 1 ;; esac
    done
}

case "${1:-build}" in
    build | test) ;;
    *) fail "expected build or test but found $1" ;;
esac

need 'has cc && has c++' "gcc g++ libc6-dev" "a C and a C++ compiler" vital
need 'has make' make make vital
need 'has cmake' cmake cmake vital
need 'has nasm' nasm "nasm 2.15 or later" vital
case "$(uname -s)" in
    Linux)
        need has_vulkan "libvulkan1 mesa-vulkan-drivers" "a Vulkan driver" optional
        need has_alsa "pkg-config libasound2-dev" "pkg-config and ALSA's headers (or build without the feature audio)" vital
        need has_libvpx "pkg-config libvpx-dev" "pkg-config and libvpx's headers (or build without the feature vpx)" vital
        need has_window_libraries "libx11-6 libx11-xcb1 libxcursor1 libxi6 libxkbcommon-x11-0" \
            "X11's client libraries (only for framereel preview)" optional
        need has_libclang libclang-dev "libclang (or build without the feature camera)" vital
        ;;
esac
if [ "${1:-build}" = test ]; then
    need 'has ffmpeg && has ffplay && has ffprobe' ffmpeg ffmpeg optional
    need 'has jq' jq jq optional
    need 'has mkvinfo' mkvtoolnix mkvtoolnix optional
    need 'has script' bsdutils script optional
    need 'has chromium || has chromium-browser || has google-chrome' chromium chromium optional
    case "$(uname -s)" in
        Linux)
            need has_devices "dbus pipewire pipewire-bin pipewire-pulse pipewire-v4l2 wireplumber pulseaudio-utils \
                gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-pipewire" \
                "PipeWire, WirePlumber, GStreamer with its PipeWire and PulseAudio plug-ins" optional
            need 'has Xvfb' xvfb Xvfb optional
            need 'has xdotool' xdotool xdotool optional
            need 'has openbox' openbox openbox optional
            ;;
    esac
fi

if [ -z "$missing" ]; then
    say "everything is here"
elif has apt-get >/dev/null; then
    say "installing$missing"
    if [ "$(id -u)" = 0 ]; then
        as_root="env"
    elif has sudo >/dev/null; then
        as_root="sudo env"
    else
        fail "expected root or sudo but found neither; as root: apt-get install$missing"
    fi
    $as_root DEBIAN_FRONTEND=noninteractive apt-get update -qq
    # shellcheck disable=SC2086 # a list of words
    $as_root DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
else
    say "no apt here; please install: $absent" >&2
    [ "$vital" = no ] || exit 1
    say "going on without" >&2
fi

if ! has cargo >/dev/null; then
    fail "no Rust here; get it from https://rustup.rs (curl --proto '=https' -sSf https://sh.rustup.rs | sh), then run this again"
fi
