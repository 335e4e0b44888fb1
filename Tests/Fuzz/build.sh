#!/usr/bin/env bash
# Builds all fuzz targets as one program, instrumented for libFuzzer and AddressSanitizer.
#
#   build.sh FOLDER      the program is FOLDER/fuzz; nothing is done when it is newer than every source
#
# Modules that need a C library (libwebsockets, GStreamer, SQLite) cannot be built this way as a whole. Their parsers are pure Swift, so the files that
# make them up are compiled here as a small module of the same name; a parser that begins to need the library fails to build here.
set -euo pipefail

output=$1
folder=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$folder/../.." && pwd)
packages=$root/.build/checkouts
mkdir -p "$output"

if [[ -x $output/fuzz && -z $(find "$root/Sources" "$folder" -name corpus -prune -o -type f -newer "$output/fuzz" -print -quit) ]]; then
    exit 0
fi
[[ -d $packages/Yams && -d $packages/swift-http-types ]] || swift package --package-path "$root" resolve

instrument=(-sanitize=fuzzer,address -O -g)
flags=("${instrument[@]}" -parse-as-library -swift-version 6 -package-name viaduct -enable-testing -I "$output" -I "$packages/Yams/Sources/CYaml/include"
    -enable-upcoming-feature ExistentialAny -enable-upcoming-feature InternalImportsByDefault -enable-upcoming-feature MemberImportVisibility)
objects=()

# module NAME FILE...: compiles the files as a module that later ones can import.
module() {
    local name=$1
    shift
    swiftc "${flags[@]}" -wmo -module-name "$name" -emit-module -emit-module-path "$output/$name.swiftmodule" \
        -emit-object -o "$output/$name.o" "$@"
    objects+=("$output/$name.o")
}

# whole NAME FOLDER: all of a folder.
whole() {
    local files
    mapfile -t files < <(find "$2" -name '*.swift' | sort)
    module "$1" "${files[@]}"
}

# A package of others: it is not ours to warn about.
foreign() {
    local files
    mapfile -t files < <(find "$2" -name '*.swift' | sort)
    swiftc "${instrument[@]}" -parse-as-library -swift-version 5 -suppress-warnings -package-name "$1" -I "$packages/Yams/Sources/CYaml/include" \
        -wmo -module-name "$1" -emit-module -emit-module-path "$output/$1.swiftmodule" -emit-object -o "$output/$1.o" "${files[@]}"
    objects+=("$output/$1.o")
}

yaml() {
    local source object
    for source in "$packages"/Yams/Sources/CYaml/src/*.c; do
        object=$output/yaml-$(basename "$source" .c).o
        clang -fsanitize=address,fuzzer-no-link -O1 -g -w -DYAML_DECLARE_STATIC -I "$packages/Yams/Sources/CYaml/include" -c "$source" -o "$object"
        objects+=("$object")
    done
}

bindings=$root/Sources/Bindings
web=$bindings/WebServerKit

yaml
foreign Yams "$packages/Yams/Sources/Yams"
foreign HTTPTypes "$packages/swift-http-types/Sources/HTTPTypes"
for name in BridgeModel RTP SDP Bridge Signaling Matroska; do whole "$name" "$root/Sources/Core/$name"; done
whole BridgeConfiguration "$root/Sources/App/BridgeConfiguration"
module LinuxIO "$bindings"/LinuxIO/{FrameReader,SystemError}.swift
module WebServerKit "$web/WebServerConfiguration.swift" "$web"/Frames/{WebSocketFrame,WebSocketFrameParser}.swift \
    "$web"/HTTP/{BodyDecoder,ByteRange,HTTPDate,MessageRules,Octets,RequestHead,RequestHeadParser}.swift
module AccessPlane "$root"/Sources/Planes/AccessPlane/{Base64URL,TokenEnvelope}.swift
module HTTPCore "$root/Sources/API/HTTPCore/RequestTarget.swift"

swiftc "${flags[@]}" -wmo -use-ld=lld -module-name FuzzTargets -o "$output/fuzz" "$folder"/Targets/*.swift "${objects[@]}"
