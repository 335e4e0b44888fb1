#!/usr/bin/env bash
# Builds all fuzz targets as one program, instrumented for libFuzzer and AddressSanitizer.
#
#   build.sh FOLDER      the program is FOLDER/fuzz; nothing is done when it is newer than every source
#
# Modules that need a C library (libwebsockets, GStreamer, SQLite) cannot be built this way as a whole. Their parsers are pure Swift, so the files that
# make them up are compiled here as a small module of the same name; a parser that begins to need the library fails to build here. OpenSSL
# and libnice are linked, since SRTP, DTLS and STUN are nothing without them.
set -euo pipefail

mkdir -p "$1"
output=$(cd "$1" && pwd)
folder=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$folder/../.." && pwd)
packages=$root/.build/checkouts
yaml=$packages/Yams/Sources/CYaml

# Whole lives of a peer are played by what the unit tests play them with.
stage=$root/Tests/Core/PeerTransportTests/Stage

if [[ -x $output/fuzz && -z $(find "$root/Sources" "$folder" "$stage" -name corpus -prune -o -type f -newer "$output/fuzz" -print -quit) ]]; then
    exit 0
fi
[[ -d $packages/Yams && -d $packages/swift-http-types ]] || swift package --package-path "$root" resolve

instrument=(-sanitize=fuzzer,address -O -g)
flags=("${instrument[@]}" -parse-as-library -swift-version 6 -package-name viaduct -enable-testing -I "$output" -I "$yaml/include"
    -I "$root/Sources/C/COpenSSL" -I "$root/Sources/C/CNice"
    -enable-upcoming-feature ExistentialAny -enable-upcoming-feature InternalImportsByDefault -enable-upcoming-feature MemberImportVisibility)
objects=()
# Set when a module was compiled: the ones after it may have imported it.
rebuilt=

# stale OBJECT SOURCE...: whether it has to be compiled.
stale() {
    local object=$1
    shift
    [[ -n $rebuilt || ! -e $object || -n $(find "$@" "$folder/build.sh" -newer "$object" -print -quit) ]]
}

# module NAME FILE...: compiles the files as a module that later ones can import.
module() {
    local name=$1 object=$output/$1.o
    shift
    objects+=("$object")
    stale "$object" "$@" || return 0
    echo "fuzz: compiling $name"
    swiftc "${flags[@]}" -wmo -module-name "$name" -emit-module -emit-module-path "$output/$name.swiftmodule" -emit-object -o "$object" "$@"
    rebuilt=yes
}

# whole NAME FOLDER: the same with all files of a folder.
whole() {
    local files
    mapfile -t files < <(find "$2" -name '*.swift' | sort)
    module "$1" "${files[@]}"
}

# foreign NAME FOLDER: a package that is not ours to warn about.
foreign() {
    local ours=("${flags[@]}")
    flags=("${instrument[@]}" -D SWIFT_PACKAGE -parse-as-library -swift-version 5 -suppress-warnings -package-name "$1" -I "$yaml/include")
    whole "$1" "$2"
    flags=("${ours[@]}")
}

# The C half of Yams.
yaml_objects() {
    local source object
    for source in "$yaml"/src/*.c; do
        object=$output/yaml-$(basename "$source" .c).o
        objects+=("$object")
        stale "$object" "$source" || continue
        clang -fsanitize=address,fuzzer-no-link -O1 -g -w -DYAML_DECLARE_STATIC -I "$yaml/include" -c "$source" -o "$object"
    done
}

bindings=$root/Sources/Bindings
web=$bindings/WebServerKit

yaml_objects
foreign Yams "$packages/Yams/Sources/Yams"
foreign HTTPTypes "$packages/swift-http-types/Sources/HTTPTypes"
for name in BridgeModel RTP Forwarding SDP LoadGeneration PeerTransport Bridge Signaling Matroska; do whole "$name" "$root/Sources/Core/$name"; done
whole BridgeConfiguration "$root/Sources/App/BridgeConfiguration"
module LinuxIO "$bindings"/LinuxIO/{FrameReader,SystemError,TCP/StreamFraming}.swift
whole SecureTransport "$bindings/SecureTransport"
module WebServerKit "$web/WebServerConfiguration.swift" "$web"/Frames/{WebSocketFrame,WebSocketFrameParser}.swift \
    "$web"/HTTP/{BodyDecoder,ByteRange,HTTPDate,MessageRules,Octets,RequestHead,RequestHeadParser}.swift
module AccessPlane "$root"/Sources/Planes/AccessPlane/{Base64URL,TokenEnvelope}.swift
module HTTPCore "$root"/Sources/API/HTTPCore/{RequestTarget,MediaType,EntityTagField}.swift

echo "fuzz: linking"
# The compiler leaves what debuggers want in the current folder.
cd "$output"
swiftc "${flags[@]}" -wmo -use-ld=lld -module-name FuzzTargets -o fuzz "$folder"/Targets/*.swift "$stage"/*.swift "${objects[@]}"
