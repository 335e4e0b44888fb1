# Builds all fuzz targets as one program, instrumented for libFuzzer and AddressSanitizer.
#
#   make -f build.mk -j2 OUTPUT=FOLDER      the program is FOLDER/fuzz
#
# Modules that need a C library (libwebsockets, GStreamer, SQLite) cannot be built this way as a whole. Their parsers are pure Swift, so the files that
# make them up are compiled here as a small module of the same name; a parser that begins to need the library fails to build here. OpenSSL
# and libnice are linked, since SRTP, DTLS and STUN are nothing without them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL = $(OUTPUT)/fuzz

this := $(lastword $(MAKEFILE_LIST))
folder := $(patsubst %/,%,$(dir $(abspath $(this))))
root := $(abspath $(folder)/../..)
core := $(root)/Sources/Core
bindings := $(root)/Sources/Bindings
web := $(bindings)/WebServerKit
packages := $(root)/.build/checkouts
yaml := $(packages)/Yams/Sources/CYaml
ifeq ($(OUTPUT),)
$(error OUTPUT says which folder to build in)
endif
ifeq ($(wildcard $(yaml)),)
$(error $(packages) has no Yams: run swift package resolve)
endif

instrument := -sanitize=fuzzer,address -O -g
flags := $(instrument) -parse-as-library -swift-version 6 -package-name viaduct -enable-testing -I $(OUTPUT) -I $(yaml)/include \
    -I $(root)/Sources/C/COpenSSL -I $(root)/Sources/C/CNice \
    -enable-upcoming-feature ExistentialAny -enable-upcoming-feature InternalImportsByDefault -enable-upcoming-feature MemberImportVisibility
# A package that is not ours to warn about.
foreign := $(instrument) -D SWIFT_PACKAGE -parse-as-library -swift-version 5 -suppress-warnings -I $(yaml)/include
objects :=

# $(call files,FOLDER...): the Swift files in them.
files = $(sort $(shell find $(1) -name '*.swift'))

# $(call module,NAME,FLAGS,FILES,MODULES THAT IT IMPORTS): compiles the files as a module that others can import.
define module
objects += $(OUTPUT)/$(1).o
$(OUTPUT)/$(1).o: $(3) $(4:%=$(OUTPUT)/%.o) $(this)
	@echo "fuzz: compiling $(1)"
	@swiftc $(2) -wmo -module-name $(1) -emit-module -emit-module-path $(OUTPUT)/$(1).swiftmodule -emit-object -o $$@ $(3)
endef
foreign-package = $(eval $(call module,$(1),$(foreign) -package-name $(1),$(call files,$(2)),$(3)))
whole = $(eval $(call module,$(1),$(flags),$(call files,$(2)),$(3)))
part = $(eval $(call module,$(1),$(flags),$(2),$(3)))

$(call foreign-package,Yams,$(packages)/Yams/Sources/Yams)
$(call foreign-package,HTTPTypes,$(packages)/swift-http-types/Sources/HTTPTypes)
$(call whole,BridgeModel,$(core)/BridgeModel)
$(call whole,RTP,$(core)/RTP,BridgeModel)
$(call whole,SDP,$(core)/SDP,BridgeModel)
$(call whole,Forwarding,$(core)/Forwarding,BridgeModel RTP)
$(call whole,PeerTransport,$(core)/PeerTransport,BridgeModel)
$(call whole,Playback,$(core)/Playback,BridgeModel)
$(call whole,Bridge,$(core)/Bridge,BridgeModel Playback SDP)
$(call whole,Signaling,$(core)/Signaling,Bridge BridgeModel SDP)
$(call whole,LoadGeneration,$(core)/LoadGeneration,BridgeModel Forwarding RTP SDP)
$(call whole,Matroska,$(core)/Matroska,BridgeModel)
$(call whole,ISOMedia,$(core)/ISOMedia,BridgeModel RTP)
$(call whole,BridgeConfiguration,$(root)/Sources/App/BridgeConfiguration,BridgeModel Yams)
$(call whole,SecureTransport,$(bindings)/SecureTransport)
$(call part,LinuxIO,$(addprefix $(bindings)/LinuxIO/,FrameReader.swift SystemError.swift TCP/StreamFraming.swift))
$(call part,WebServerKit,$(web)/WebServerConfiguration.swift $(addprefix $(web)/Frames/,WebSocketFrame.swift WebSocketFrameParser.swift) \
    $(addprefix $(web)/HTTP/,BodyDecoder.swift ByteRange.swift HTTPDate.swift MessageRules.swift Octets.swift RequestHead.swift RequestHeadParser.swift),HTTPTypes)
$(call part,AccessPlane,$(addprefix $(root)/Sources/Planes/AccessPlane/,Base64URL.swift TokenEnvelope.swift),Bridge)
$(call part,HTTPCore,$(addprefix $(root)/Sources/API/HTTPCore/,RequestTarget.swift MediaType.swift EntityTagField.swift),Bridge HTTPTypes)

# The C half of Yams.
$(OUTPUT)/yaml-%.o: $(yaml)/src/%.c $(this)
	@clang -fsanitize=address,fuzzer-no-link -O1 -g -w -DYAML_DECLARE_STATIC -I $(yaml)/include -c $< -o $@
objects += $(patsubst $(yaml)/src/%.c,$(OUTPUT)/yaml-%.o,$(wildcard $(yaml)/src/*.c))

# Whole lives of a peer are played by what the unit tests play them with.
targets := $(call files,$(folder)/Targets $(root)/Tests/Core/PeerTransportTests/Stage)

# The compiler leaves what debuggers want in the current folder.
$(OUTPUT)/fuzz: $(targets) $(objects)
	@echo "fuzz: linking"
	@cd $(OUTPUT) && swiftc $(flags) -wmo -use-ld=lld -module-name FuzzTargets -o $@ $(targets) $(objects)
